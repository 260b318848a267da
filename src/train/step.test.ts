import { describe, expect, it } from 'vitest';
import { type ClipConfig, clipSpec } from '../clip/index.ts';
import { float32, type HostTensor } from '../core/host-tensor.ts';
import { seededRandom } from '../core/random.ts';
import type { Tree } from '../core/tree.ts';
import { compile, type Device } from '../engine/index.ts';
import { initialise } from '../nn/params.ts';
import type { ClipStage, OptimizerConfig } from './config.ts';
import { contrastiveObjective } from './objectives/contrastive.ts';
import { learningRate, optimizerScalars } from './optimizer.ts';
import { randomStream } from './random.ts';
import { initialState, mapRecord, scalarInputs, stepInputs, trainStep } from './step.ts';

const tower = {
  width: 8,
  layers: 1,
  heads: 2,
  mlpWidth: 16,
  activation: 'quick',
  epsilon: 1e-5,
  projection: 6,
} as const;
const model: ClipConfig = {
  text: { ...tower, vocabularySize: 20, positions: 5 },
  vision: { ...tower, imageSize: 8, patchSize: 4, channels: 3 },
};
const optimizer: OptimizerConfig = {
  lr: 0.01,
  betas: [0.9, 0.98],
  epsilon: 1e-8,
  weightDecay: 0.03,
  clipNorm: 1,
  warmup: 2,
  schedule: 'cosine',
  finalShare: 0.1,
  ema: 0.9,
  emaWarmup: true,
};
const batch = 4;
const steps = 6;

function tinyClip(score: 'pooled' | 'token-wise') {
  const config = { batch, model, optimizer, loss: { score, temperature: 0.07, maxScale: 100 } } as ClipStage;
  const objective = contrastiveObjective(config);
  const params = initialise(clipSpec(model), seededRandom(1)) as Tree<HostTensor>;
  const inputs = (step: number): Record<string, HostTensor> => {
    const random = randomStream(1, 'test', step % 2);
    const ids = Int32Array.from({ length: batch * 5 }, () => random.below(20));
    return {
      pixels: float32([batch, 3, 8, 8], random.normal(batch * 3 * 64)),
      ids: { dtype: 'int32', shape: [batch, 5], data: ids },
      ends: { dtype: 'int32', shape: [batch], data: Int32Array.from({ length: batch }, () => 1 + random.below(4)) },
    };
  };
  return { objective, params, inputs };
}

async function run(device: Device, score: 'pooled' | 'token-wise') {
  const { objective, params, inputs } = tinyClip(score);
  const executable = await compile(
    trainStep(objective, params, optimizer) as never,
    { state: initialState(params) as never, inputs: stepInputs(objective) },
    { device, threads: 1 },
  );
  const losses: Record<string, number>[] = [];
  for (let step = 0; step < steps; step++) {
    const scalars = scalarInputs(optimizerScalars(optimizer, step, learningRate(optimizer, step, steps)));
    const outputs = await executable.run({ ...inputs(step), ...scalars });
    losses.push(mapRecord(outputs, ({ data }) => data[0]!));
  }
  const state = await executable.readState();
  await executable.release();
  return { losses, state };
}

describe('trainStep', () => {
  it.each(['pooled', 'token-wise'] as const)('computes compiled what it computes eagerly (%s)', async score => {
    const eager = await run('reference', score);
    const compiled = await run('cpu', score);
    for (const [step, outputs] of eager.losses.entries()) {
      for (const [name, value] of Object.entries(outputs)) expect(compiled.losses[step]![name]).toBeCloseTo(value, 3);
    }
    expect(Object.keys(compiled.state).sort()).toEqual(Object.keys(eager.state).sort());
    for (const [name, { data }] of Object.entries(eager.state)) {
      const other = compiled.state[name]!.data;
      // Softmax does not see key biases: their gradient is rounding noise, which Adam scales up to whole steps.
      if (name.endsWith('key.bias')) continue;
      const worst = Math.max(...Array.from(data, (value, i) => Math.abs(value - other[i]!)));
      expect(worst, name).toBeLessThan(2e-3);
    }
    if (score === 'pooled') expect(eager.losses[4]!['loss']).toBeLessThan(eager.losses[0]!['loss']!); // the same batch
  });
});
