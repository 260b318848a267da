/** Captions of the embedded model while the inference process is ended, dies, or is at a run that nobody needs. */
import { join } from 'node:path';
import type * as tf from '@tensorflow/tfjs';
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';
import { packageRoot } from '../../src/core/package-root.ts';
import { compile, sessionHost } from '../../src/engine/index.ts';
import { readModelFolder } from '../../src/pipelines/unidiffuser/model-folder.ts';
import { CompiledNetworks } from '../../src/pipelines/unidiffuser/networks/compiled-networks.ts';

const prompts = [
  'an apple',
  'a cat to the left of a dog',
  'three stars on a blue background',
  'a rocket above a house',
  'two red hearts',
];

let networks: CompiledNetworks;
let latents: Float32Array[];
let captions: string[];

const send = sessionHost.send.bind(sessionHost);
/** Calls `then` when every third call that extends sequences was answered. */
function afterEveryThird(then: () => Promise<unknown>) {
  let extended = 0;
  vi.spyOn(sessionHost, 'send').mockImplementation(async (request, signal) => {
    const reply = await send(request, signal);
    if (request.kind === 'extend' && ++extended % 3 === 0) await then();
    return reply;
  });
}

beforeAll(async () => {
  networks = await CompiledNetworks.create(await readModelFolder(join(packageRoot(), 'models', 'emoji')), {
    threads: 2,
  });
  latents = await networks.encodeTexts(prompts, {});
});
afterAll(() => networks.release());
afterEach(() => vi.restoreAllMocks());

test('captions of all lengths, one by one and together, are written by one graph', async () => {
  const sent = vi.spyOn(sessionHost, 'send');
  captions = await networks.decodeTexts(latents, {});
  for (const [index, latent] of latents.entries()) {
    expect(await networks.decodeTexts([latent], {})).toEqual([captions[index]]);
  }
  const requests = sent.mock.calls.map(([request]) => request);
  expect(requests.filter(({ kind }) => kind === 'load')).toHaveLength(1);
  const rows = requests.flatMap(request => (request.kind === 'extend' ? [request.sequences.length] : []));
  expect(new Set(rows).size).toBeGreaterThan(5);
});

test('they are the same if the process ends again and again meanwhile', async () => {
  const { pid } = sessionHost.status;
  afterEveryThird(() => sessionHost.terminate());
  expect(await networks.decodeTexts(latents, {})).toEqual(captions);
  expect(sessionHost.status.pid).not.toBe(pid);
});

test('they are the same if the process is killed between two calls', async () => {
  const { deaths } = sessionHost.status;
  afterEveryThird(async () => {
    const died = new Promise<void>(resolve => {
      const stop = sessionHost.onDeath(() => {
        stop();
        resolve();
      });
    });
    process.kill(sessionHost.status.pid!, 'SIGKILL');
    await died;
  });
  expect(await networks.decodeTexts(latents, {})).toEqual(captions);
  expect(sessionHost.status.deaths).toBeGreaterThan(deaths);
});

test('they are the same if a run of minutes is cancelled that they wait for', async () => {
  const endless = await compile(
    ({ inputs }) => {
      let y: tf.Tensor = inputs['x']!;
      for (let i = 0; i < 2000; i++) y = y.matMul(inputs['x']!).mul(0.01);
      return { outputs: { y: y.sum() } };
    },
    { inputs: { x: { dtype: 'float32', shape: [1024, 1024] } } },
    { name: 'endless', threads: 1 },
  );
  const x = { dtype: 'float32', shape: [1024, 1024], data: new Float32Array(1024 * 1024).fill(0.5) } as const;
  const { replacements } = sessionHost.status;
  afterEveryThird(async () => {
    if (sessionHost.status.replacements > replacements) return;
    const running = endless.run({ x }, { signal: AbortSignal.timeout(50) });
    running.catch(() => {});
  });
  // A cancellation that comes before the run's turn leaves nothing to be ended: then once more.
  do expect(await networks.decodeTexts(latents, {})).toEqual(captions);
  while (sessionHost.status.replacements === replacements);
  await endless.release();
});
