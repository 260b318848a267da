/** Runs of the command line that are killed: whatever the moment, what comes out is what an undisturbed run makes. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { type FSWatcher, watch } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { seededRandom } from '../core/random.ts';
import { encodeImage } from '../image/index.ts';
import { loadSafetensors } from '../weights/safetensors.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const steps = 20;

const config = {
  stage: 'autoencoder',
  name: 'tiny',
  seed: 1,
  steps,
  batch: 8,
  optimizer: {
    lr: 0.003,
    betas: [0.9, 0.99],
    epsilon: 1e-8,
    weightDecay: 0.01,
    clipNorm: 1,
    warmup: 3,
    schedule: 'cosine',
    finalShare: 0.1,
    ema: 0.9,
    emaWarmup: true,
  },
  data: { source: 'folder', size: 16, path: '' },
  checkpointSeconds: 0.0001, // one after every step: the run is nearly always writing one
  sampleEvery: 20,
  model: {
    inChannels: 3,
    latentChannels: 2,
    channels: 8,
    channelMultipliers: [1],
    blocksPerLevel: 1,
    normGroups: 4,
    midAttention: false,
    patchSize: 2,
  },
  loss: { l1: 1, l2: 1, edge: 0.5, kl: 0.001 },
};

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'duet-kill-'));
  const path = join(folder, 'pictures');
  await mkdir(path);
  const random = seededRandom(1);
  for (let i = 0; i < 12; i++) {
    const data = Uint8Array.from({ length: 16 * 16 * 3 }, () => Math.floor(256 * random()));
    await writeFile(join(path, `${i}.png`), await encodeImage({ width: 16, height: 16, data }));
    await writeFile(join(path, `${i}.txt`), `picture ${i}\n`);
  }
  await writeFile(join(folder, 'config.json'), JSON.stringify({ ...config, data: { ...config.data, path } }));
});
afterAll(() => rm(folder, { recursive: true }));

function start(out: string, ...more: string[]): ChildProcess {
  const args = ['train', join(folder, 'config.json'), '--out', join(folder, out), '--threads', '2', ...more];
  return spawn(process.execPath, ['--import', 'tsx', join(root, 'bin/duet.ts'), ...args], {
    cwd: root,
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...process.env, NO_COLOR: '1' },
  });
}

async function finish(child: ChildProcess): Promise<{ code: number | null; stderr: string }> {
  let stderr = '';
  child.stderr!.on('data', chunk => {
    stderr += chunk;
  });
  const [code] = await once(child, 'close');
  return { code, stderr };
}

const finalState = async (out: string) => {
  const { tensors } = await loadSafetensors(join(folder, out, 'checkpoints', `step-000000${steps}.safetensors`));
  return tensors;
};

/** Sends `signal` once `count` checkpoints have been begun, a while later, or at once: inside the write. */
async function disturb(out: string, signal: 'SIGKILL' | 'SIGINT', count: number, wait: number) {
  const checkpoints = join(folder, out, 'checkpoints');
  await mkdir(checkpoints, { recursive: true });
  const begun = new Set<string>();
  const child = start(out, '--resume');
  const watcher: FSWatcher = watch(checkpoints, (_, name) => {
    if (name?.endsWith('.tmp')) begun.add(name);
    if (begun.size < count) return;
    watcher.close();
    if (wait === 0) child.kill(signal);
    else setTimeout(() => child.kill(signal), wait);
  });
  const outcome = await finish(child);
  watcher.close();
  return { ...outcome, left: await readdir(checkpoints) };
}

describe('a training run', () => {
  it('killed at any moment or cancelled, and resumed, ends bit-identical to one that was not', async () => {
    const undisturbed = finish(start('undisturbed'));
    const random = seededRandom(7);
    const left: string[] = [];
    for (const wait of [0, 1 + 40 * random()]) {
      const outcome = await disturb('killed', 'SIGKILL', 2 + Math.floor(4 * random()), wait);
      expect(outcome.code).toBe(null);
      left.push(...outcome.left);
    }
    // The kill that did not wait came while a checkpoint was half written.
    expect(left.some(name => name.endsWith('.tmp'))).toBe(true);

    const cancelled = await disturb('killed', 'SIGINT', 3, 0);
    expect(cancelled.code).toBe(130);
    const saved = cancelled.left.filter(name => name.endsWith('.safetensors')).at(-1)!;
    expect(cancelled.stderr.trimEnd().split('\n').slice(-2)).toEqual([
      expect.stringMatching(new RegExp(`checkpoint .*${saved}$`)),
      'Cancelled.',
    ]);

    expect(await finish(start('killed', '--resume'))).toMatchObject({ code: 0 });
    expect(await undisturbed).toMatchObject({ code: 0 });
    expect(await finalState('killed')).toEqual(await finalState('undisturbed'));
    const result = (run: string) => loadSafetensors(join(folder, run, 'model.safetensors'));
    expect((await result('killed')).tensors).toEqual((await result('undisturbed')).tensors);
    // Every step once in the record, whatever was done twice.
    const lines = (await readFile(join(folder, 'killed', 'metrics.jsonl'), 'utf8')).trim().split('\n');
    const figures = lines.map(line => JSON.parse(line) as { kind: string; step: number });
    expect(figures.filter(({ kind }) => kind === 'train').map(({ step }) => step)).toEqual([10, 20]);
  });
});
