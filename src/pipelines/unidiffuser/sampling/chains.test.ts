/** Gibbs chains, inversion, kept values and arcs over networks whose answers are known. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { requestOf, runWith, shapes } from '../../../../test/support/sampling-run.ts';
import { createBetas } from '../../../sampler/discrete-schedule.ts';
import { continuousTable, cosine, type Schedule } from '../../../sampler/schedule.ts';
import { slerp } from '../../../sampler/slerp.ts';
import type { SolverOptions } from '../../../sampler/solve.ts';
import type { SampleLatents } from './latents.ts';
import type { KnownValues } from './masked-sampling.ts';
import type { Evaluation, Prediction } from './passes.ts';
import { type RunNoise, seededNoise } from './run-noise.ts';
import { sampleRun } from './sample.ts';
import { countEvaluationRequests, type SampleRequest } from './sample-request.ts';

const image = { z: Float32Array.of(1, -1, 0.5, 0.25, -0.75, 0, 2, -2), c: Float32Array.of(0.1, -0.2, 0.3) };
const text = Float32Array.of(0.5, -0.5, 1, -1);

/**
 * What the best network answers (as v) for independent data of mean `0.3 (mean of the other modality)` and deviation 0.7:
 * E[x0 | x] = mean + alpha s^2 / (alpha^2 s^2 + sigma^2) (x - alpha mean).
 */
function gaussian(schedule: Schedule) {
  return ({ z, c, y, tImage, tText }: Evaluation): Prediction => {
    const mean = (values: Float32Array) => values.reduce((sum, value) => sum + value, 0) / values.length;
    const answer = (x: Float32Array, t: number, other: number) => {
      if (t < schedule.tMin) return x.map(() => Number.NaN); // nobody should look at what is given
      const { alpha, sigma } = schedule.at(t);
      const gain = (alpha * 0.49) / (alpha ** 2 * 0.49 + sigma ** 2);
      return x.map(value => (alpha * value - (other + gain * (value - alpha * other))) / sigma);
    };
    const [fromText, fromImage] = [0.3 * mean(y), 0.3 * mean(z)];
    return { z: answer(z, tImage, fromText), c: answer(c, tImage, fromText), y: answer(y, tText, fromImage) };
  };
}

const runOf = (request: SampleRequest) => runWith(gaussian(request.schedule), request);

const largest = (a: Float32Array, b: Float32Array) => Math.max(...a.map((value, i) => Math.abs(value - b[i]!)));

describe('Gibbs sampling', () => {
  const starts: [string, SampleLatents, string[]][] = [
    ['nothing', {}, ['joint', 'i2t', 't2i', 'i2t', 't2i']],
    ['a text', { text }, ['t2i', 'i2t', 't2i', 'i2t', 't2i']],
    ['an image', { image }, ['i2t', 't2i', 'i2t', 't2i', 'i2t']],
    ['a pair', { image, text }, ['i2t', 't2i', 'i2t', 't2i']],
  ];

  test.each(starts)('from %s draws image and text in turns and keeps the chain', (_, given, stages) => {
    const request = requestOf({ mode: 'gibbs', rounds: 2, given });
    const { requests, sample } = runOf(request);
    expect(requests.map(({ progress }) => progress.mode)).toEqual(stages.flatMap(mode => Array(4).fill(mode)));
    expect(requests.map(({ progress }) => progress.step)).toEqual(requests.map((_request, index) => index));
    expect([requests.length, requests[0]!.progress.total]).toEqual([
      countEvaluationRequests(request),
      countEvaluationRequests(request),
    ]);
    const pairs = sample.pairs!;
    expect(pairs).toHaveLength(3);
    expect(pairs[0]).toMatchObject(given);
    expect(pairs.at(-1)).toEqual({ image: sample.image, text: sample.text });
    for (const [k, pair] of pairs.slice(1).entries()) {
      expect(pair.image).not.toEqual(pairs[k]!.image);
      expect(pair.text).not.toEqual(pairs[k]!.text);
    }
  });

  test('gives each draw what was drawn last', () => {
    const { requests, sample } = runOf(requestOf({ mode: 'gibbs', rounds: 1, given: { text } }));
    const [first, second] = sample.pairs!;
    expect(requests[0]!.evaluations[0]).toMatchObject({ y: text, tText: 0 });
    expect(requests[4]!.evaluations[0]).toMatchObject({ ...first!.image, tImage: 0 });
    expect(requests[8]!.evaluations[0]).toMatchObject({ y: second!.text, tText: 0 });
  });
});

describe('inversion', () => {
  const back = (steps: number, refinements: number, schedule: Schedule, guidance = 1): number => {
    const seeded = seededNoise(3, shapes);
    const still = seeded.start();
    const noise: RunNoise = { ...seeded, ignored: part => still[part] };
    const common = { schedule, steps, solver: { kind: 'ddim' } as const, guidance };
    const given = { image, text };
    const out = runOf(requestOf({ ...common, mode: 'inversion', given, inversion: { refinements }, noise })).sample;
    const start = () => ({ ...out.image!, y: text });
    const again = runOf(requestOf({ ...common, given: { text }, noise: { ...noise, start } })).sample;
    return Math.max(largest(again.image!.z, image.z), largest(again.image!.c, image.c));
  };

  test('then sampling returns the start, the closer the more steps or refinements', () => {
    for (const schedule of [cosine(), continuousTable(createBetas())]) {
      const errors = [back(10, 1, schedule), back(40, 1, schedule), back(40, 2, schedule), back(40, 6, schedule)];
      expect(errors[0]).toBeLessThan(0.5);
      for (const [k, error] of errors.slice(1).entries()) expect(error).toBeLessThan(0.6 * errors[k]!);
      expect(errors.at(-1)).toBeLessThan(2e-3);
    }
  });

  test('holds with guidance too, if the noise of what is ignored stands still', () => {
    expect(back(40, 6, cosine(), 2)).toBeLessThan(0.02);
  });

  test('finds the noise that the data came from', () => {
    const noise = seededNoise(8, shapes);
    const start = noise.start();
    const common = { steps: 60, solver: { kind: 'ddim' } as const };
    const made = runOf(requestOf({ ...common, given: { text }, noise: { ...noise, start: () => start } })).sample;
    const given = { image: made.image!, text };
    const found = runOf(requestOf({ ...common, mode: 'inversion', given, inversion: { refinements: 4 } })).sample;
    expect(largest(found.image!.z, start.z)).toBeLessThan(0.02);
  });

  test('asks at rising times, the text given', () => {
    const { requests } = runOf(requestOf({ mode: 'inversion', given: { image, text }, inversion: { refinements: 2 } }));
    const times = requests.map(({ evaluations: [first] }) => [Math.round(first!.tImage), first!.tText]);
    expect(times.map(([t]) => t)).toEqual([251, 251, 501, 501, 750, 750, 1000, 1000]);
    expect(new Set(times.map(([, t]) => t))).toEqual(new Set([0]));
  });

  test('of an image without a text describes it first', () => {
    const { requests, sample } = runOf(requestOf({ mode: 'i2t-inversion', given: { image } }));
    expect(requests.map(({ progress }) => progress.mode)).toEqual([
      ...Array(4).fill('i2t'),
      ...Array(4).fill('inversion'),
    ]);
    expect(requests[4]!.evaluations[0]!.y).toEqual(sample.text);
    expect(sample.image!.z).toHaveLength(8);
    expect(() => sampleRun(requestOf({ mode: 'inversion', given: { text } }))).toThrow('needs given.image');
    expect(() => sampleRun(requestOf({ mode: 'inversion', given: { image } }))).toThrow('needs given.text');
  });
});

describe('kept values', () => {
  const solvers: SolverOptions[] = [
    { kind: 'dpm-singlestep' },
    { kind: 'dpm-multistep', order: 3 },
    { kind: 'dpm-multistep', stochastic: true },
    { kind: 'ddim' },
    { kind: 'ddim', eta: 0.7 },
  ];
  const masks = fc.uint8Array({ minLength: 8, maxLength: 8, max: 1 });

  test('stay exactly, with any solver, mode and guidance, and carry the noise of the step on the way', () => {
    const choice = fc.record({
      solver: fc.constantFrom(...solvers),
      mode: fc.constantFrom('t2i', 'joint', 'i', 'i2t2i'),
      guidance: fc.constantFrom(1, 3),
      steps: fc.integer({ min: 1, max: 8 }),
    });
    fc.assert(
      fc.property(choice, masks, (changes, mask) => {
        const known: KnownValues = { z: { values: image.z, mask } };
        const { requests, sample } = runOf(requestOf({ ...changes, known, given: { image, text } }));
        for (const [i, kept] of mask.entries()) if (kept) expect(sample.image!.z[i]).toBe(image.z[i]);
        const last = requests.at(-1)!;
        const { alpha, sigma } = cosine().at(last.evaluations[0]!.tImage);
        for (const [i, kept] of mask.entries()) {
          const noise = (last.evaluations[0]!.z[i]! - alpha * image.z[i]!) / sigma;
          if (kept) expect(Math.abs(noise)).toBeLessThan(6);
        }
      }),
    );
  });

  test('leave no trace where nothing is kept, and all of it where everything is', () => {
    const free = runOf(requestOf({ given: { text } })).sample;
    const known = (flag: number): KnownValues => ({ z: { values: image.z, mask: new Uint8Array(8).fill(flag) } });
    expect(runOf(requestOf({ given: { text }, known: known(0) })).sample).toEqual(free);
    expect(runOf(requestOf({ given: { text }, known: known(1) })).sample.image!.z).toEqual(image.z);
  });

  test('guide what is sampled around them', () => {
    const mask = Uint8Array.of(1, 1, 0, 0);
    const sampled = (value: number) => {
      const known: KnownValues = { y: { values: new Float32Array(4).fill(value), mask } };
      return runOf(requestOf({ mode: 'joint', steps: 20, known })).sample;
    };
    const [low, high] = [sampled(-5), sampled(5)];
    expect([...low.text!.slice(0, 2), ...high.text!.slice(0, 2)]).toEqual([-5, -5, 5, 5]);
    expect(high.image!.z.reduce((a, b) => a + b)).toBeGreaterThan(low.image!.z.reduce((a, b) => a + b) + 1);
  });

  test('must have the size of their part', () => {
    const known: KnownValues = { y: { values: text, mask: new Uint8Array(3) } };
    expect(() => sampleRun(requestOf({ given: { text }, known }))).toThrow(
      'known.y must fill [2, 2], got 4 values and a mask of 3',
    );
  });
});

describe('slerp', () => {
  const vector = fc.float32Array({ minLength: 5, maxLength: 5, noNaN: true, noDefaultInfinity: true, min: -9, max: 9 });
  const norm = (values: Float32Array) => Math.hypot(...values);

  test('begins and ends exactly, and is finite in between', () => {
    fc.assert(
      fc.property(vector, vector, fc.double({ min: 0, max: 1, noNaN: true }), (a, b, share) => {
        expect([slerp(a, b, 0), slerp(a, b, 1)]).toEqual([a, b]);
        expect(slerp(a, b, share).every(Number.isFinite)).toBe(true);
      }),
    );
  });

  test('keeps the length of noise', () => {
    const [a, b] = [seededNoise(1, shapes).start().z, seededNoise(2, shapes).start().z];
    const unit = (values: Float32Array) => values.map(value => value / norm(values));
    for (const share of [0.1, 0.5, 0.8]) expect(norm(slerp(unit(a), unit(b), share))).toBeCloseTo(1, 5);
  });

  test('has an answer for vectors without an angle', () => {
    const a = Float32Array.of(1, 0);
    expect([...slerp(a, a, 0.3)]).toEqual([1, 0]);
    expect([...slerp(a, Float32Array.of(-1, 0), 0.5)]).toEqual([0, 0]);
    expect([...slerp(Float32Array.of(0, 0), a, 0.5)]).toEqual([0.5, 0]);
  });
});
