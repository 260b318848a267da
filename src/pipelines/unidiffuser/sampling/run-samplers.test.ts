import { describe, expect, test } from 'vitest';
import { cosine } from '../../../sampler/schedule.ts';
import { stackEvaluations, unstackPredictions } from './batch.ts';
import type { LatentShapes } from './latents.ts';
import type { Evaluation } from './passes.ts';
import { seededNoise } from './run-noise.ts';
import { type Predict, runInLockstep } from './run-samplers.ts';
import { type Progress, sampleRun } from './sample.ts';
import type { SampleRequest } from './sample-request.ts';

const shapes: LatentShapes = { z: [1, 2, 2], c: [1, 2], y: [3, 1] };

function start(changes: Partial<SampleRequest> = {}) {
  const noise = seededNoise(3, shapes);
  const solver = { kind: 'dpm-multistep' } as const;
  const fixed = { shapes, schedule: cosine(), prediction: 'v', solver, noise } as const;
  return sampleRun({ mode: 'joint', steps: 3, ...fixed, ...changes });
}

/** A network of zeros that keeps the sizes of its calls. */
function recorder(): { predict: Predict; sizes: number[] } {
  const sizes: number[] = [];
  const predict: Predict = async evaluations => {
    sizes.push(evaluations.length);
    return evaluations.map(({ z, c, y }) => ({ z: z.map(() => 0), c: c.map(() => 0), y: y.map(() => 0) }));
  };
  return { predict, sizes };
}

describe('runInLockstep', () => {
  test('answers all runs in one call a step, whatever their modes and lengths', async () => {
    const { predict, sizes } = recorder();
    const runs = [start({ guidance: 2 }), start({ mode: 'i', steps: 2 }), start({ mode: 't', steps: 5 })];
    const samples = await runInLockstep(runs, predict);
    expect(sizes).toEqual([5, 5, 4, 1, 1]);
    expect(samples.map(sample => Object.keys(sample).sort().join())).toEqual(['image,text', 'image', 'text']);
  });

  test('splits calls at maxBatch', async () => {
    const { predict, sizes } = recorder();
    await runInLockstep([start({ guidance: 2 }), start({ guidance: 2 })], predict, { maxBatch: 4 });
    expect(sizes).toEqual([4, 2, 4, 2, 4, 2]);
  });

  test('reports each step of each run with an estimate', async () => {
    const seen: [number, Progress][] = [];
    await runInLockstep([start(), start({ mode: 'i' })], recorder().predict, {
      onStep: (run, progress) => void seen.push([run, progress]),
    });
    expect(seen.map(([run, { step, total }]) => [run, step, total])).toEqual([
      [0, 1, 3],
      [1, 1, 3],
      [0, 2, 3],
      [1, 2, 3],
      [0, 3, 3],
      [1, 3, 3],
    ]);
    expect(seen.every(([, { denoised }]) => denoised?.image?.z.length === 4)).toBe(true);
  });

  test('a chain reports the first run complete before the second', async () => {
    const seen: Progress[] = [];
    const run = start({ mode: 't2i2t', steps: 2, given: { text: new Float32Array(3) } });
    await runInLockstep([run], recorder().predict, { onStep: (_, progress) => void seen.push(progress) });
    expect(seen.map(({ step, mode }) => [step, mode])).toEqual([
      [1, 't2i'],
      [2, 't2i'],
      [3, 'i2t'],
      [4, 'i2t'],
    ]);
    expect(seen[1]!.denoised?.image?.z).toHaveLength(4);
  });

  test('stops when asked to, and closes its runs', async () => {
    const controller = new AbortController();
    const { predict, sizes } = recorder();
    const run = start({ steps: 50 });
    const onStep = (_: number, { step }: Progress) => {
      if (step === 2) controller.abort(new Error('enough'));
    };
    await expect(runInLockstep([run], predict, { signal: controller.signal, onStep })).rejects.toThrow('enough');
    expect(sizes).toEqual([1, 1]);
    expect(run.next([])).toEqual({ done: true, value: undefined });
  });

  test('an error of the network goes on and closes all runs', async () => {
    const runs = [start(), start()];
    const broken: Predict = async () => Promise.reject(new Error('no network'));
    await expect(runInLockstep(runs, broken)).rejects.toThrow('no network');
    for (const run of runs) expect(run.next([]).done).toBe(true);
  });

  test('nothing to do', async () => {
    expect(await runInLockstep([], recorder().predict)).toEqual([]);
  });
});

describe('network batches', () => {
  const evaluation = (value: number, dataType?: number): Evaluation => ({
    z: new Float32Array(4).fill(value),
    c: new Float32Array(2).fill(value + 0.1),
    y: new Float32Array(3).fill(value + 0.2),
    tImage: value,
    tText: 2 * value,
    ...(dataType === undefined ? {} : { dataType }),
  });

  test('stack rows and times, and unstack to the same', () => {
    const evaluations = [evaluation(1, 0), evaluation(2, 1)];
    const inputs = stackEvaluations(evaluations, shapes);
    expect(inputs.image.shape).toEqual([2, 1, 2, 2]);
    expect(inputs.text.shape).toEqual([2, 3, 1]);
    expect([...inputs.imageTime.data, ...inputs.textTime.data]).toEqual([1, 2, 2, 4]);
    expect(inputs.dataType).toEqual({ dtype: 'int32', shape: [2], data: Int32Array.of(0, 1) });
    expect(unstackPredictions(inputs)).toEqual(evaluations.map(({ z, c, y }) => ({ z, c, y })));
  });

  test('have a data type for all or for none', () => {
    expect(stackEvaluations([evaluation(1)], shapes)).not.toHaveProperty('dataType');
    expect(() => stackEvaluations([evaluation(1), evaluation(1, 1)], shapes)).toThrow('cannot share a network call');
  });
});
