/**
 * Jobs as files: <folder>/jobs/<day>/<id>/job.json beside the pictures. Every file is written under another name, flushed
 * and renamed, so that a crash leaves the old one or the new one.
 */
import { open, readdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { DuetError } from '../../src/core/errors.ts';
import { makeFolder } from '../../src/core/folders.ts';
import { openDataFolder, probe } from './data-folder.ts';
import { timeOfJobId } from './job-id.ts';
import { LateRecords } from './late-records.ts';
import { toStorageError } from './storage-errors.ts';
import type { JobRecord, JobStore } from './store.ts';
import { dayOf, isFileName, isJobFile, parseRecord, recordFile } from './stored-names.ts';

const temporary = '.writing';

/**
 * Opens the data folder for this server alone. `warn` is called with jobs that cannot be read; these are not removed.
 * @throws DuetError 'invalid-config' if the folder cannot be written or another server uses it
 */
export async function openFileStore(folder: string, warn: (message: string) => void): Promise<JobStore> {
  const root = join(folder, 'jobs');
  const place = await openDataFolder(folder);
  const folderOf = (id: string) => join(root, dayOf(id), id);
  const clearly = <T>(work: Promise<T>): Promise<T> =>
    work.catch(error => {
      throw toStorageError(error, folder);
    });
  const write = async (id: string, name: string, content: string | Uint8Array) => {
    await place.take();
    await makeJobFolder(folderOf(id));
    await writeWhole(folderOf(id), name, content);
  };
  const writeRecord = (record: JobRecord) => write(record.id, recordFile, `${JSON.stringify(record)}\n`);
  const late = new LateRecords(writeRecord);
  return {
    load: () => loadAll(root, place.isTaken, warn),
    save: record => clearly(late.save(record, () => writeRecord(record))),
    async writeFile(id, name, bytes) {
      if (!isFileName(name)) throw new DuetError('invalid-argument', `${name} is no name for a file`);
      await clearly(write(id, name, bytes));
    },
    async readFile(id, name) {
      if (!isJobFile(id, name)) return undefined;
      return clearly(readFile(join(folderOf(id), name)).catch(absent));
    },
    async removeFiles(id, names) {
      for (const name of names) await clearly(rm(join(folderOf(id), name), { force: true }));
    },
    async remove(id) {
      await late.forget(id);
      await clearly(removeJob(folderOf(id)));
    },
    async probe(bytes) {
      await clearly(place.take());
      await clearly(probe(folder, bytes));
      await clearly(late.write());
    },
    async close() {
      await late.write().catch(error => warn(`How some jobs ended could not be written: ${String(error)}`));
      await place.release().catch(error => warn(`The lock of ${folder} could not be removed: ${String(error)}`));
    },
  };
}

/** Rejects with the operating system's error, or else with 'overloaded', since a path that was changed may be restored. */
async function makeJobFolder(folder: string): Promise<void> {
  await makeFolder(folder).catch((error: Error) => {
    const { cause = error, message } = error;
    if (cause instanceof Error && 'code' in cause && !DuetError.isInstance(cause)) throw cause;
    throw new DuetError('overloaded', `${message}; try again later`, { cause: error });
  });
}

async function removeJob(folder: string): Promise<void> {
  await rm(join(folder, recordFile), { force: true }); // a folder without a record is removed at the next start
  await rm(folder, { recursive: true, force: true });
}

/** Writes a file so that after any failure either the old or the new one is there, and nothing else. */
async function writeWhole(folder: string, name: string, content: string | Uint8Array): Promise<void> {
  const path = join(folder, name);
  try {
    const handle = await open(path + temporary, 'w');
    try {
      await handle.writeFile(content);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(path + temporary, path);
  } catch (error) {
    await rm(path + temporary, { force: true }).catch(() => {}); // the first failure is the one that is thrown
    throw error;
  }
}

/** Reads all records and, if the folder is this server's, sweeps what crashes left. */
async function loadAll(root: string, isOurs: boolean, warn: (message: string) => void): Promise<JobRecord[]> {
  const records: JobRecord[] = [];
  const days = (await readdir(root).catch(absent)) ?? []; // none on a disk that was full from the beginning
  for (const day of days.sort()) {
    const ids = (await readdir(join(root, day)).catch(() => [])).filter(id => timeOfJobId(id) !== undefined).sort();
    if (isOurs && ids.length === 0) await rm(join(root, day), { recursive: true, force: true });
    for (const id of ids) {
      const folder = join(root, day, id);
      if (isOurs) await sweep(folder);
      const record = await loadOne(folder, id, warn);
      if (record) records.push(record);
    }
  }
  return records;
}

/** Removes a job that was never admitted or is half removed, and what was half written of another. */
async function sweep(folder: string): Promise<void> {
  const names = (await readdir(folder).catch(absent)) ?? [];
  if (!names.includes(recordFile)) return rm(folder, { recursive: true, force: true });
  for (const name of names) {
    if (name.endsWith(temporary)) await rm(join(folder, name), { force: true });
  }
}

async function loadOne(folder: string, id: string, warn: (message: string) => void): Promise<JobRecord | undefined> {
  const text = await readFile(join(folder, recordFile), 'utf8').catch(absent);
  if (text === undefined) return undefined;
  const record = parseRecord(text, id);
  if (!record) warn(`${join(folder, recordFile)} is not a job's record; it is left as it is`);
  return record;
}

function absent(error: NodeJS.ErrnoException): undefined {
  if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return undefined;
  throw error;
}
