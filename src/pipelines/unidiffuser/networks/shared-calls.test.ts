/**
 * A call's result does not depend on what else the model does at the same time: exactly, as far as pipeline and samplers go;
 * within fp32 rounding with real networks, whose matrix products add up in another order for another batch.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { tinyModel } from '../../../../test/support/tiny-model.ts';
import { BatchingDriver } from '../../../batching/batching-driver.ts';
import { readModelFolder, writeModelFolder } from '../model-folder.ts';
import type { Evaluation, Prediction, SampleLatents } from '../sampling/index.ts';
import { type SampleSettings, sampleLatents } from '../sampling/sample-latents.ts';
import { CompiledNetworks } from './compiled-networks.ts';
import type { Networks } from './networks.ts';

/** Largest difference allowed between latents (of unit variance) alone and in company. */
const tolerance = 1e-4;

const diffusion = { prediction: 'v', schedule: { kind: 'cosine' } } as const;
const shapes = { z: [1, 2, 2], c: [1, 2], y: [2, 2] };

type Sampling = Pick<Networks, 'shapes' | 'predict'>;

/** A network whose predictions depend on all inputs of a row and on nothing else. */
function fakeNetworks(maxBatch: number) {
  const calls: number[] = [];
  const answer = ({ z, c, y, tImage, tText }: Evaluation): Prediction => {
    const mood = Math.sin(tImage + 2 * tText + z[0]! + c[0]! + y[0]!);
    const part = (values: Float32Array) => values.map((value, i) => Math.tanh(value * mood + i / 7));
    return { z: part(z), c: part(c), y: part(y) };
  };
  const driver = new BatchingDriver();
  const predict = driver.batched(
    async (rows: readonly Evaluation[]) => {
      calls.push(rows.length);
      return rows.map(answer);
    },
    { limit: maxBatch, unit: 3 },
  );
  return { networks: { shapes, predict } as Sampling as Networks, calls };
}

interface Wanted {
  readonly mode: 't2i' | 'i2t' | 'joint' | 't';
  readonly seed: number;
  readonly n: number;
  readonly steps: number;
  readonly guidance: number;
}

function settingsOf({ mode, steps, guidance }: Wanted): SampleSettings {
  return { mode, steps, guidance, solver: { kind: 'dpm-multistep' } };
}

function sample(networks: Networks, wanted: Wanted, more: Partial<SampleSettings> = {}): Promise<SampleLatents[]> {
  const size = (shape: readonly number[]) => shape.reduce((a, b) => a * b, 1);
  const filled = (shape: readonly number[]) => new Float32Array(size(shape)).fill(wanted.seed / 50);
  const { z, c, y } = networks.shapes;
  const given = { image: { z: filled(z), c: filled(c) }, text: filled(y) };
  const tasks = Array.from({ length: wanted.n }, (_, i) => ({ seed: wanted.seed + i, given }));
  return sampleLatents(networks, diffusion, tasks, { ...settingsOf(wanted), ...more });
}

const wantedCall = fc.record({
  mode: fc.constantFrom('t2i', 'i2t', 'joint', 't'),
  seed: fc.nat(40),
  n: fc.integer({ min: 1, max: 3 }),
  steps: fc.integer({ min: 1, max: 4 }),
  guidance: fc.constantFrom(1, 2),
}) satisfies fc.Arbitrary<Wanted>;

describe('calls at the same time', () => {
  it('give what each gives alone, in no more passes than the longest needs if they fit into one', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(wantedCall, { minLength: 1, maxLength: 5 }),
        fc.integer({ min: 1, max: 60 }),
        async (all, maxBatch) => {
          const alone = [];
          for (const wanted of all) alone.push(await sample(fakeNetworks(64).networks, wanted));
          const { networks, calls } = fakeNetworks(maxBatch);
          expect(await Promise.all(all.map(wanted => sample(networks, wanted)))).toEqual(alone);
          expect(Math.max(...calls)).toBeLessThanOrEqual(Math.max(maxBatch, 3));
          if (maxBatch >= 45) expect(calls.length).toBe(Math.max(...all.map(({ steps }) => steps)));
        },
      ),
      { numRuns: 30 },
    );
  });

  it('one that is cancelled, and one whose listener throws, are no concern of the others', async () => {
    const wanted: Wanted = { mode: 'joint', seed: 3, n: 2, steps: 4, guidance: 2 };
    const [alone] = await Promise.all([sample(fakeNetworks(64).networks, wanted)]);
    const { networks, calls } = fakeNetworks(64);
    const controller = new AbortController();
    const [fine, cancelled, broken] = await Promise.allSettled([
      sample(networks, wanted),
      sample(networks, wanted, {
        signal: controller.signal,
        onStep: ({ step }) => (step === 2 ? controller.abort() : undefined),
      }),
      sample(networks, wanted, {
        onStep: () => {
          throw new Error('listener');
        },
      }),
    ]);
    expect(fine).toEqual({ status: 'fulfilled', value: alone });
    expect(cancelled).toMatchObject({ status: 'rejected', reason: { name: 'AbortError' } });
    expect(broken).toMatchObject({ status: 'rejected', reason: { message: 'listener' } });
    // The broken call is out after the first pass but for the sample that had asked already, the cancelled one after two.
    expect(calls.length).toBe(4);
    expect(calls.at(-1)).toBe(6);
  });

  it('report their steps in order, each once, however their samples are spread over passes', async () => {
    const steps: number[] = [];
    const wanted: Wanted = { mode: 'joint', seed: 3, n: 5, steps: 4, guidance: 2 };
    const { networks } = fakeNetworks(4);
    await Promise.all([
      sample(networks, { ...wanted, n: 3 }),
      sample(networks, wanted, { onStep: ({ step }) => void steps.push(step) }),
    ]);
    expect(steps).toEqual([1, 2, 3, 4]);
  });
});

describe('compiled networks', () => {
  let folder: string;
  let networks: CompiledNetworks;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'duet-company-'));
    await writeModelFolder(folder, tinyModel());
    networks = await CompiledNetworks.create(await readModelFolder(folder), { threads: 2, maxBatch: 8 });
  });
  afterAll(async () => {
    await networks.release();
    await rm(folder, { recursive: true });
  });

  it('differ by rounding alone, and write the same captions', async () => {
    const all: Wanted[] = [
      { mode: 't2i', seed: 1, n: 1, steps: 4, guidance: 3 },
      { mode: 'i2t', seed: 2, n: 2, steps: 3, guidance: 1 },
      { mode: 'joint', seed: 3, n: 3, steps: 5, guidance: 2 },
    ];
    const write = async (wanted: Wanted) => {
      const latents = await sample(networks, wanted);
      const y = latents.flatMap(({ text }) => (text ? [text] : []));
      return { latents, captions: await networks.decodeTexts(y, {}) };
    };
    const alone = [];
    for (const wanted of all) alone.push(await write(wanted));
    const company = await Promise.all(all.map(write));
    for (const [index, { latents, captions }] of company.entries()) {
      expect(captions).toEqual(alone[index]!.captions);
      for (const [k, { image, text }] of latents.entries()) {
        const before = alone[index]!.latents[k]!;
        if (image) expect(difference(image.z, before.image!.z)).toBeLessThan(tolerance);
        if (text) expect(difference(text, before.text!)).toBeLessThan(tolerance);
      }
    }
  });

  it('once released, turn everybody away', async () => {
    const other = await CompiledNetworks.create(await readModelFolder(folder), { threads: 1 });
    await other.release();
    await expect(other.encodeTexts(['a cat'], {})).rejects.toMatchObject({ code: 'released' });
  });

  it('refuse a batch of nothing', async () => {
    const refused = { code: 'invalid-argument', message: expect.stringMatching(/maxBatch must be/) };
    await expect(CompiledNetworks.create(await readModelFolder(folder), { maxBatch: 0 })).rejects.toMatchObject(
      refused,
    );
  });
});

function difference(a: Float32Array, b: Float32Array): number {
  return a.reduce((worst, value, i) => Math.max(worst, Math.abs(value - b[i]!)), 0);
}
