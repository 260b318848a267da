/**
 * Limits a data folder to one server by a file that names the owner's process. The lock of a process that has ended is
 * taken over.
 */
import { readFileSync } from 'node:fs';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DuetError } from '../../src/core/errors.ts';

/**
 * Rejects with the error of the operating system if the folder cannot be written.
 * @returns a function that releases the folder
 * @throws DuetError 'invalid-config' if a running server has it
 */
export async function lockFolder(folder: string): Promise<() => Promise<void>> {
  const path = join(folder, 'server.lock');
  for (;;) {
    try {
      await writeFile(path, identityOf(process.pid) ?? '', { flag: 'wx' });
      return () => rm(path, { force: true });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') {
        await rm(path, { force: true }).catch(() => {}); // on a full disk it may have been made, empty
        throw error;
      }
    }
    const owner = await readFile(path, 'utf8').catch(() => '');
    const pid = Number.parseInt(owner, 10);
    if (pid > 0 && identityOf(pid) === owner) {
      throw new DuetError(
        'invalid-config',
        `The data folder ${folder} is used by the process ${pid}; stop that server or choose another folder with --data`,
      );
    }
    await rm(path, { force: true });
  }
}

/** A process's id with its start time, where Linux gives it: ids are reused, in containers at every start. */
function identityOf(pid: number): string | undefined {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return undefined;
  }
  return `${pid} ${startOf(pid)}`;
}

/** Ticks since the machine started: field 22 of proc(5)'s stat, counted after the name, which may hold spaces. */
function startOf(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '';
  } catch {
    return '';
  }
}
