/**
 * The one place where folders are made. Node's recursive `mkdir` tries for ever where a file system takes no folders
 * (as below /proc), and what it says elsewhere names system calls; here every fault is reported in words, at once.
 */
import { randomUUID } from 'node:crypto';
import { lstat, mkdir, rmdir, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { DuetError } from './errors.ts';

/** Makes `folder` and the folders above it that are missing. @throws DuetError 'invalid-config' saying why it cannot be */
export async function makeFolder(folder: string): Promise<void> {
  await explained(folder, async () => {
    const { missing } = await lookUp(folder);
    for (const path of missing) await makeOne(path);
  });
}

/**
 * Finds out whether `folder` can be made and written in, before work begins whose result is to go there. Nothing stays
 * behind.
 * @throws DuetError 'invalid-config' saying why it cannot be
 */
export async function checkFolder(folder: string): Promise<void> {
  await explained(folder, async () => {
    const { existing } = await lookUp(folder);
    const probe = join(existing, `.duet-${randomUUID()}`);
    await mkdir(probe);
    await rmdir(probe);
  });
}

interface Found {
  /** The innermost folder of the path that is there. */
  readonly existing: string;
  /** What has to be made, outermost first. */
  readonly missing: readonly string[];
}

async function lookUp(folder: string): Promise<Found> {
  const missing: string[] = [];
  for (let path = resolve(folder); ; path = dirname(path)) {
    // The second look also meets what another process made after the first.
    const stats = (await stat(path).catch(unlessAbsent)) ?? (await lstat(path).catch(unlessAbsent));
    if (stats?.isDirectory()) return { existing: path, missing: missing.reverse() };
    if (stats?.isSymbolicLink()) {
      throw new Reason(`${JSON.stringify(path)} is a link to something that is not there`);
    }
    if (stats) throw new Reason(`${JSON.stringify(path)} is a file`);
    missing.push(path);
  }
}

/** Makes one folder, which another process may make at the same moment. */
async function makeOne(path: string): Promise<void> {
  try {
    await mkdir(path);
  } catch (error) {
    const isThere = codeOf(error) === 'EEXIST' && (await stat(path)).isDirectory();
    if (!isThere) throw error;
  }
}

/** Nothing exists below a file either; the file itself is found further up the path. */
function unlessAbsent(error: unknown): undefined {
  const code = codeOf(error);
  if (code !== 'ENOENT' && code !== 'ENOTDIR') throw error;
}

class Reason extends Error {}

async function explained(folder: string, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    const reason = error instanceof Reason ? error.message : reasons[codeOf(error) ?? ''];
    if (reason === undefined) throw error; // A full disk or too many open files is no fault of the path.
    throw new DuetError('invalid-config', `The folder ${JSON.stringify(folder)} cannot be made or written: ${reason}`, {
      cause: error,
    });
  }
}

const reasons: Readonly<Record<string, string>> = {
  ENOENT: 'its file system takes no new folders there', // as Linux says of /proc
  EPERM: 'its file system takes no new folders there',
  EOPNOTSUPP: 'its file system takes no new folders there',
  EROFS: 'its file system is read-only',
  EACCES: 'there is no permission to write there',
  EEXIST: 'a file of that name is there',
  ENAMETOOLONG: 'a name in it is longer than the file system allows',
  ELOOP: 'its links lead in a circle',
  EINVAL: 'the file system does not allow this name',
  ERR_INVALID_ARG_VALUE: 'a name must not hold a zero byte',
};

function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}
