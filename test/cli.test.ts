/** The command line as a process: the compiled device, signals and exit codes. */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadAs, writeModelFolder } from '../src/pipelines/index.ts';
import { tinyModel } from './support/tiny-model.ts';

const root = fileURLToPath(new URL('..', import.meta.url));

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'duet-e2e-'));
  await writeModelFolder(join(folder, 'model'), tinyModel());
});
afterAll(() => rm(folder, { recursive: true }));

function start(args: readonly string[], cache = join(folder, 'cache')): ChildProcessWithoutNullStreams {
  return spawn(process.execPath, ['--import', 'tsx', join(root, 'bin/duet.ts'), ...args], {
    cwd: root,
    env: { ...process.env, DUET_MODEL: join(folder, 'model'), DUET_CACHE: cache, NO_COLOR: '1' },
  });
}

async function finish(
  child: ChildProcessWithoutNullStreams,
): Promise<{ code: number; stdout: string; stderr: string }> {
  let [stdout, stderr] = ['', ''];
  child.stdout.on('data', chunk => {
    stdout += chunk;
  });
  child.stderr.on('data', chunk => {
    stderr += chunk;
  });
  child.stdin.end();
  const [code] = await once(child, 'close');
  return { code, stdout, stderr };
}

describe('duet as a process', () => {
  it('gives what the library gives on the reference device', async () => {
    const { code, stdout, stderr } = await finish(start(['text', '-n', '2', '--seed', '3', '--json']));
    expect([code, stderr]).toEqual([0, '']);
    const model = await loadAs('unidiffuser', join(folder, 'model'), { device: 'reference' });
    const { samples } = await model.text({ n: 2, seed: 3 });
    expect(JSON.parse(stdout).samples).toEqual(samples);
  });

  it('ends with 130 on Ctrl-C', async () => {
    const cache = join(folder, 'cache-of-cancelled');
    const child = start(['image', '-n', '1024', '--steps', '1000', '-o', join(folder, 'never.png')], cache);
    // Once a graph of this run is cached, it is loading its last networks or sampling already.
    const timer = setInterval(() => {
      if (!existsSync(cache)) return;
      clearInterval(timer); // a second signal would not wait for the current step
      child.kill('SIGINT');
    }, 200);
    const { code, stderr } = await finish(child);
    expect([code, stderr]).toEqual([130, 'Cancelled.\n']);
  });

  it('ends quietly on a second Ctrl-C, in the middle of a step or after it', async () => {
    const cache = join(folder, 'cache-of-killed');
    const child = start(['image', '-n', '1024', '--steps', '1000', '-o', join(folder, 'never.png')], cache);
    const timer = setInterval(() => existsSync(cache) && child.kill('SIGINT'), 5);
    const { code, stderr } = await finish(child);
    clearInterval(timer);
    expect([code, child.signalCode]).toEqual([130, null]);
    expect(['', 'Cancelled.\n']).toContain(stderr);
  });

  it('ends with 2 and one line for wrong input', async () => {
    const { code, stderr } = await finish(start(['i2t', join(folder, 'model', 'config.json')]));
    expect([code, stderr.split('\n').length]).toEqual([2, 2]);
  });
});
