/** Duet as built JavaScript, for tests that start very many processes: they start several times as quickly as from source. */
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { makeFolder } from '../../src/core/folders.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

export interface Built {
  /** Holds `bin`, `server` and `src`. */
  readonly folder: string;
  remove(): Promise<void>;
}

export async function build(): Promise<Built> {
  // Inside the repository, so that its packages are found.
  await makeFolder(join(root, 'node_modules', '.cache'));
  const folder = await mkdtemp(join(root, 'node_modules', '.cache', 'duet-built-'));
  const compiler = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
  await promisify(execFile)(process.execPath, [compiler, '-p', join(root, 'tsconfig.build.json'), '--outDir', folder]);
  return { folder, remove: () => rm(folder, { recursive: true }) };
}
