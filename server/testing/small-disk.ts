/** A real disk of few bytes for tests, where this user may mount one. */
import { spawnSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface SmallDisk {
  readonly folder: string;
  setReadOnly(isReadOnly: boolean): void;
  remove(): Promise<void>;
}

function run(command: string, ...args: readonly string[]): boolean {
  return spawnSync(command, args).status === 0;
}

/** Undefined where mounting is not allowed. */
export async function smallDisk(kibibytes: number): Promise<SmallDisk | undefined> {
  const folder = await mkdtemp(join(tmpdir(), 'duet-disk-'));
  if (process.platform !== 'linux' || !run('mount', '-t', 'tmpfs', '-o', `size=${kibibytes}k`, 'tmpfs', folder)) {
    await rm(folder, { recursive: true });
    return undefined;
  }
  return {
    folder,
    setReadOnly: isReadOnly => void run('mount', '-o', `remount,${isReadOnly ? 'ro' : 'rw'}`, folder),
    async remove() {
      run('umount', '--lazy', folder);
      await rm(folder, { recursive: true, force: true });
    },
  };
}
