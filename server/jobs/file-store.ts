/**
 * Jobs as files: <folder>/jobs/<day>/<id>/job.json beside the pictures. Every file is written under another name, flushed
 * and renamed, so that a crash leaves the old one or the new one.
 */
import { open, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DuetError } from '../../src/core/errors.ts';
import { makeFolder } from '../../src/core/folders.ts';
import { lockFolder } from './folder-lock.ts';
import { timeOfJobId } from './job-id.ts';
import type { JobRecord, JobStore } from './store.ts';
import { dayOf, isFileName, isJobFile, parseRecord, recordFile } from './stored-names.ts';

const temporary = '.writing';

/**
 * Opens the data folder, alone. `warn` is told of jobs that cannot be read; they stay where they are.
 * @throws DuetError 'invalid-config' if the folder cannot be written or another server uses it
 */
export async function openFileStore(folder: string, warn: (message: string) => void): Promise<JobStore> {
  const root = join(folder, 'jobs');
  try {
    await makeFolder(root);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new DuetError('invalid-config', `Cannot keep results in ${folder}: ${reason}; choose another with --data`, {
      cause: error,
    });
  }
  const unlock = await lockFolder(folder);
  const folderOf = (id: string) => join(root, dayOf(id), id);
  return {
    load: () => loadAll(root, warn),
    async save(record) {
      await makeJobFolder(folderOf(record.id));
      await writeWhole(folderOf(record.id), recordFile, `${JSON.stringify(record)}\n`);
    },
    async writeFile(id, name, bytes) {
      if (!isFileName(name)) throw new DuetError('invalid-argument', `${name} is no name for a file`);
      await makeJobFolder(folderOf(id));
      await writeWhole(folderOf(id), name, bytes);
    },
    async readFile(id, name) {
      if (!isJobFile(id, name)) return undefined;
      return readFile(join(folderOf(id), name)).catch(absent);
    },
    async remove(id) {
      await rm(join(folderOf(id), recordFile), { force: true }); // without it the rest is rubbish, swept at the next start
      await rm(folderOf(id), { recursive: true, force: true });
    },
    close: unlock,
  };
}

/** Clients are not told where a server keeps its data: the reason alone goes on, and is logged. */
async function makeJobFolder(folder: string): Promise<void> {
  await makeFolder(folder).catch((error: Error) => {
    throw error.cause ?? error;
  });
}

async function writeWhole(folder: string, name: string, content: string | Uint8Array): Promise<void> {
  const path = join(folder, name);
  const handle = await open(path + temporary, 'w');
  try {
    await handle.writeFile(content);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(path + temporary, path);
}

async function loadAll(root: string, warn: (message: string) => void): Promise<JobRecord[]> {
  const records: JobRecord[] = [];
  for (const day of (await readdir(root)).sort()) {
    const ids = (await readdir(join(root, day)).catch(() => [])).filter(id => timeOfJobId(id) !== undefined).sort();
    if (ids.length === 0) await rm(join(root, day), { recursive: true, force: true });
    for (const id of ids) {
      const record = await loadOne(join(root, day, id), id, warn);
      if (record) records.push(record);
    }
  }
  return records;
}

async function loadOne(folder: string, id: string, warn: (message: string) => void): Promise<JobRecord | undefined> {
  const text = await readFile(join(folder, recordFile), 'utf8').catch(absent);
  if (text === undefined) {
    await rm(folder, { recursive: true, force: true }); // never admitted, or half removed
    return undefined;
  }
  for (const name of await readdir(folder)) {
    if (name.endsWith(temporary)) await rm(join(folder, name), { force: true });
  }
  const record = parseRecord(text, id);
  if (!record) warn(`${join(folder, recordFile)} is not a job's record; it is left as it is`);
  return record;
}

function absent(error: NodeJS.ErrnoException): undefined {
  if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return undefined;
  throw error;
}

/** Throws DuetError 'invalid-config' if `folder` cannot be written. */
export async function checkWritable(folder: string): Promise<void> {
  const probe = join(folder, `.probe-${process.pid}`);
  try {
    await makeFolder(folder);
    await writeFile(probe, '');
    await rm(probe);
  } catch (error) {
    throw new DuetError('invalid-config', `The data folder ${folder} cannot be written: ${String(error)}`, {
      cause: error,
    });
  }
}
