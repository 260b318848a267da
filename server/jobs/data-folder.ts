/**
 * The data folder as a whole: made, and locked for one server. A path that cannot be used is refused at the start; a full disk is
 * a state that passes, so the folder is then taken later, before the first write.
 */
import { readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DuetError } from '../../src/core/errors.ts';
import { makeFolder } from '../../src/core/folders.ts';
import { lockFolder } from './folder-lock.ts';
import { hintOf, isFullDisk } from './storage-errors.ts';

const probeName = /^\.probe-\w+$/;

export interface DataFolder {
  /** Whether this server holds the lock, so that nobody else writes here. */
  readonly isTaken: boolean;
  /**
   * Makes and locks the folder unless that is done. Rejects with the error of the operating system, or with 'overloaded' if another
   * server took it meanwhile.
   */
  take(): Promise<void>;
  release(): Promise<void>;
}

/** @throws DuetError 'invalid-config' if the folder cannot be used for another reason than a full disk */
export async function openDataFolder(folder: string): Promise<DataFolder> {
  let unlock: (() => Promise<void>) | undefined;
  let taking: Promise<void> | undefined;
  const takeNow = async () => {
    await makeFolder(join(folder, 'jobs'));
    unlock = await lockFolder(folder);
    await sweepProbes(folder);
  };
  const takeOnce = () => {
    taking ??= takeNow().finally(() => {
      taking = undefined;
    });
    return taking;
  };
  try {
    await takeOnce();
  } catch (error) {
    if (DuetError.isInstance(error) && error.cause === undefined) throw error; // another server's lock, told as it is
    if (!isFullDisk(error)) throw unusable(folder, error);
  }
  return {
    get isTaken() {
      return unlock !== undefined;
    },
    async take() {
      if (unlock === undefined) await takeOnce().catch(later);
    },
    release: async () => unlock?.(),
  };
}

/** What would be refused at the start passes while the server runs: the other server may end. */
function later(error: unknown): never {
  if (!DuetError.isInstance(error)) throw error;
  throw new DuetError('overloaded', `${error.message}; try again later`, { cause: error });
}

/** Writes `bytes` bytes into `folder` and removes them again. */
export async function probe(folder: string, bytes: number): Promise<void> {
  const path = join(folder, `.probe-${process.pid}`);
  await makeFolder(folder);
  try {
    await writeFile(path, new Uint8Array(bytes), { flush: true });
  } finally {
    await rm(path, { force: true });
  }
}

/** Throws DuetError 'invalid-config' if `folder` cannot be written. */
export async function checkWritable(folder: string): Promise<void> {
  await probe(folder, 1).catch(error => {
    throw unusable(folder, error);
  });
}

/** Removes the probes of processes that were killed during one. */
async function sweepProbes(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    if (probeName.test(name)) await rm(join(folder, name), { force: true });
  }
}

function unusable(folder: string, error: unknown): DuetError {
  const hint = hintOf(error);
  const reason = hint === undefined ? `${error instanceof Error ? error.message : error};` : `${hint}, or`;
  const message = `Results cannot be kept in the data folder ${folder}: ${reason} choose another folder with --data`;
  return new DuetError('invalid-config', message, { cause: error });
}
