import { mkdtemp, readdir, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { float32 } from '../core/host-tensor.ts';
import { loadSafetensors } from '../weights/safetensors.ts';
import { loadCheckpoint } from './checkpoint.ts';
import type { StageConfig } from './config.ts';
import { type Stage, type TrainEvent, type TrainOptions, train } from './loop.ts';
import { randomStream } from './random.ts';

let out: string;
beforeEach(async () => {
  out = await mkdtemp(join(tmpdir(), 'duet-loop-'));
});
afterEach(() => rm(out, { recursive: true }));

/** Fits a matrix; large enough that two threads share its products. */
function stage(changes: Partial<StageConfig> = {}, poisonedStep = -1): Stage {
  const optimizer = {
    lr: 0.01,
    betas: [0.9, 0.98],
    epsilon: 1e-8,
    weightDecay: 0.01,
    clipNorm: 1,
    warmup: 2,
    schedule: 'cosine',
    finalShare: 0.1,
    ema: 0.9,
    emaWarmup: true,
  };
  const common = { stage: 'autoencoder', name: 'toy', seed: 5, steps: 12, batch: 64, optimizer };
  const config = { ...common, checkpointSeconds: 1e-6, sampleEvery: 100, ...changes } as unknown as StageConfig;
  const shape = [64, 96] as const;
  return {
    config,
    objective: {
      inputs: { x: { dtype: 'float32', shape }, y: { dtype: 'float32', shape } },
      loss: (params: { weight: tf.Tensor2D }, _, { x, y }) => ({
        loss: tf.mean(tf.square(tf.sub(tf.matMul(x as tf.Tensor2D, params.weight), y!))) as tf.Scalar,
      }),
    },
    initialParams: { weight: float32([96, 96], randomStream(1, 'weight', 0).normal(96 * 96)) },
    frozen: {},
    batch: async step => {
      const x = randomStream(config.seed, 'x', step).normal(64 * 96);
      if (step === poisonedStep) x[7] = Number.NaN;
      return { x: float32(shape, x), y: float32(shape, x.toReversed()) };
    },
  };
}

async function run(stage: Stage, options: Partial<TrainOptions> = {}, onEvent?: (event: TrainEvent) => void) {
  const events: TrainEvent[] = [];
  for await (const event of train(stage, { out, engine: { device: 'cpu', threads: 2 }, ...options })) {
    events.push(event);
    onEvent?.(event);
  }
  return events;
}

const checkpoints = () => readdir(join(out, 'checkpoints'));
const finalState = async (folder = out) =>
  (await loadSafetensors(join(folder, 'checkpoints', 'step-00000012.safetensors'))).tensors;

/** Stops the run after `steps` by an abort. */
async function interrupt(steps: number): Promise<void> {
  const controller = new AbortController();
  const aborting = (event: TrainEvent) => {
    if (event.type === 'step' && event.step === steps) controller.abort(new Error('enough'));
  };
  await expect(
    run(stage({ checkpointSeconds: 1e6 }), { signal: controller.signal, resume: true }, aborting),
  ).rejects.toThrow('enough');
}

describe('train', () => {
  it('learns, says how it goes, and keeps the two newest checkpoints and the result', async () => {
    const events = await run(stage());
    const steps = events.filter(event => event.type === 'step');
    expect(events[0]).toMatchObject({ type: 'start', step: 0, steps: 12, parameters: 96 * 96 });
    expect(steps.at(-1)!.loss).toBeLessThan(steps[0]!.loss);
    for (const { waitingShare, secondsLeft, samplesPerSecond } of steps) {
      expect(waitingShare).toBeGreaterThanOrEqual(0);
      expect(waitingShare).toBeLessThanOrEqual(1);
      expect(secondsLeft).toBeGreaterThanOrEqual(0);
      expect(samplesPerSecond).toBeGreaterThan(0);
    }
    expect(events.at(-1)).toMatchObject({ type: 'done', step: 12, model: join(out, 'model.safetensors') });
    expect(await checkpoints()).toEqual(['step-00000011.safetensors', 'step-00000012.safetensors']);
    const { tensors, metadata } = await loadSafetensors(join(out, 'model.safetensors'));
    expect(metadata['step']).toBe('12');
    expect(tensors['weight']).toEqual((await finalState())['ema.weight']);
  });

  it('saves on an abort, and goes on to the very same numbers', async () => {
    await interrupt(5);
    expect(await checkpoints()).toEqual(['step-00000005.safetensors']);
    await interrupt(9);
    const events = await run(stage(), { resume: true });
    expect(events[0]).toMatchObject({ type: 'start', step: 9 });
    const straight = await mkdtemp(join(tmpdir(), 'duet-loop-'));
    await run(stage(), { out: straight });
    expect(await finalState()).toEqual(await finalState(straight));
    await rm(straight, { recursive: true });
  });

  it('passes over a damaged checkpoint for the one before it', async () => {
    await run(stage());
    const newest = join(out, 'checkpoints', 'step-00000012.safetensors');
    const before = await finalState();
    await truncate(newest, 5000);
    const events = await run(stage(), { resume: true });
    expect(events[0]).toMatchObject({ step: 11 });
    expect(await finalState()).toEqual(before);
    for (const name of await checkpoints()) await truncate(join(out, 'checkpoints', name), 3);
    await expect(run(stage(), { resume: true })).rejects.toMatchObject({ code: 'invalid-weights' });
  });

  it('refuses the checkpoint of another configuration, naming each difference', async () => {
    await interrupt(3);
    const other = stage({ seed: 6, batch: 32 });
    await expect(run(other, { resume: true })).rejects.toMatchObject({
      code: 'checkpoint-mismatch',
      message: expect.stringMatching(/seed is 5 there, 6 here; batch is 64 there, 32 here/),
    });
    await expect(run(stage({ steps: 2 }), { resume: true })).rejects.toThrow('has 3 steps behind it');
    expect((await run(stage({ steps: 4 }), { resume: true })).at(-1)).toMatchObject({ type: 'done', step: 4 });
  });

  it('does not begin anew among the checkpoints of another run', async () => {
    await interrupt(2);
    await expect(run(stage())).rejects.toMatchObject({
      code: 'invalid-argument',
      message: expect.stringMatching(/--resume/),
    });
  });

  it('stops at a loss that is not finite and leaves the last good checkpoint', async () => {
    await expect(run(stage({}, 6))).rejects.toMatchObject({
      code: 'non-finite-loss',
      message: expect.stringMatching(/Step 7/),
    });
    const checkpoint = await loadCheckpoint(join(out, 'checkpoints'), stage().config);
    expect(checkpoint!.step).toBe(6);
    expect(checkpoint!.state['params.weight']!.data.every(value => Number.isFinite(value))).toBe(true);
  });

  it('removes what a killed writer left', async () => {
    await interrupt(2);
    const leftover = join(out, 'checkpoints', 'step-00000003.safetensors.1234.tmp');
    await writeFile(leftover, 'half');
    await run(stage({ steps: 3 }), { resume: true });
    expect((await checkpoints()).filter(name => name.endsWith('.tmp'))).toEqual([]);
  });
});
