import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { requestOf as anyRequestOf, runWith, shapes } from '../../../../test/support/sampling-run.ts';
import { createBetas, discreteTable } from '../../../sampler/discrete-schedule.ts';
import { createGenerator } from '../../../sampler/noise/generator.ts';
import { continuousTable, cosine } from '../../../sampler/schedule.ts';
import type { SolverOptions } from '../../../sampler/solve.ts';
import { solverNames, solverOptions } from '../../../sampler/solver-names.ts';
import type { SampleLatents } from './latents.ts';
import { modes, neededBy, stagesOf } from './modes.ts';
import type { Evaluation, Prediction } from './passes.ts';
import { type RunNoise, seededNoise } from './run-noise.ts';
import { type Predict, runInLockstep } from './run-samplers.ts';
import { type EvaluationRequest, sampleRun } from './sample.ts';
import { countEvaluationRequests, type SampleRequest } from './sample-request.ts';

const given: SampleLatents = {
  image: { z: new Float32Array(8).fill(0.5), c: new Float32Array(3).fill(-0.5) },
  text: new Float32Array(4).fill(0.25),
};

/** Each part's output depends on all parts and both times, so that a mix-up shows. */
function network({ z, c, y, tImage, tText }: Evaluation): Prediction {
  const mean = (values: Float32Array) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const context = 0.1 * (mean(z) - mean(c) + 2 * mean(y)) + 0.0003 * tImage - 0.0002 * tText;
  const answer = (values: Float32Array) => values.map(value => Math.tanh(0.5 * value + context));
  return { z: answer(z), c: answer(c), y: answer(y) };
}

const predict: Predict = async evaluations => evaluations.map(network);

const requestOf = (changes: Partial<SampleRequest>) => anyRequestOf({ given, ...changes });

const requestsOf = (request: SampleRequest) => runWith(network, request);

const timesOf = (request: EvaluationRequest) => request.evaluations.map(({ tImage, tText }) => [tImage, tText]);

describe('requests', () => {
  test.each([
    [
      't2i',
      [
        [1000, 0],
        [1000, 1000],
      ],
    ],
    [
      'i2t',
      [
        [0, 1000],
        [1000, 1000],
      ],
    ],
    [
      'joint',
      [
        [1000, 1000],
        [1000, 1000],
        [1000, 1000],
      ],
    ],
    ['i', [[1000, 1000]]],
    ['t', [[1000, 1000]]],
  ] as const)('%s asks with the times of its table', (mode, first) => {
    const { requests } = requestsOf(requestOf({ mode, guidance: 3 }));
    expect(timesOf(requests[0]!)).toEqual(first);
  });

  test('the second request of joint: only the sampled modality has the running time', () => {
    const { requests } = requestsOf(requestOf({ mode: 'joint', guidance: 3 }));
    const t = requests[1]!.evaluations[0]!.tImage;
    expect(t).toBeLessThan(1000);
    expect(timesOf(requests[1]!)).toEqual([
      [t, t],
      [t, 1000],
      [1000, t],
    ]);
  });

  test('no guidance, no unconditional pass', () => {
    for (const mode of modes) {
      const { requests } = requestsOf(requestOf({ mode }));
      expect(requests.every(({ evaluations }) => evaluations.length === 1)).toBe(true);
    }
  });

  test('a negative prompt is fed clean, in place of noise', () => {
    const negative = { text: new Float32Array(4).fill(9) };
    const { requests } = requestsOf(requestOf({ guidance: 3, negative }));
    const unconditional = requests[0]!.evaluations[1]!;
    expect([unconditional.tText, ...unconditional.y]).toEqual([0, 9, 9, 9, 9]);
  });

  test('the data type goes with every evaluation', () => {
    const { requests } = requestsOf(requestOf({ guidance: 3, dataType: 0 }));
    expect(requests.flatMap(({ evaluations }) => evaluations.map(({ dataType }) => dataType))).toEqual(
      Array(8).fill(0),
    );
  });
});

describe('noise', () => {
  test('is drawn as the original draws it: z, c, y, then what each evaluation ignores', () => {
    const { requests } = requestsOf(requestOf({ mode: 'joint', guidance: 3, steps: 2, noise: seededNoise(5, shapes) }));
    const generator = createGenerator(5);
    const draw = () => ({ z: generator.randn(8), c: generator.randn(3), y: generator.randn(4) });
    const [start, first] = [draw(), draw()];
    expect(requests[0]!.evaluations[0]).toMatchObject(start);
    expect(requests[0]!.evaluations[1]).toMatchObject({ z: start.z, c: start.c, y: first.y });
    expect(requests[0]!.evaluations[2]).toMatchObject({ z: first.z, c: first.c, y: start.y });
  });

  test('of an ignored modality is fresh at each evaluation, or the initial noise throughout', () => {
    const texts = (ignored: 'fresh' | 'initial') => {
      const { requests } = requestsOf(requestOf({ mode: 'i', ignored }));
      return new Set(requests.map(({ evaluations }) => [...evaluations[0]!.y].join())).size;
    };
    expect([texts('fresh'), texts('initial')]).toEqual([4, 1]);
  });

  test('a chain draws anew for its second run', () => {
    const { requests } = requestsOf(requestOf({ mode: 'i2t2i', steps: 2 }));
    expect(requests[2]!.evaluations[0]!.z).not.toEqual(
      requestsOf(requestOf({ steps: 2 })).requests[0]!.evaluations[0]!.z,
    );
  });
});

test('guidance mixes the predictions as g cond + (1 - g) uncond', () => {
  const run = sampleRun(requestOf({ guidance: 4, prediction: 'sample', solver: { kind: 'ddim' }, steps: 1 }));
  run.next();
  const filled = (value: number): Prediction => ({
    z: new Float32Array(8).fill(value),
    c: new Float32Array(3).fill(value),
    y: new Float32Array(4),
  });
  const turn = run.next([filled(2), filled(1)]);
  expect(turn.value).toEqual({ image: { z: new Float32Array(8).fill(5), c: new Float32Array(3).fill(5) } });
});

describe('chains', () => {
  test('i2t2i gives the sampled text to the second run and returns both', () => {
    const { requests, sample } = requestsOf(requestOf({ mode: 'i2t2i' }));
    expect(requests[4]!.evaluations[0]!.y).toEqual(sample.text);
    expect(sample.image!.z).toHaveLength(8);
    expect(requests.map(({ progress }) => progress.mode)).toEqual([...Array(4).fill('i2t'), ...Array(4).fill('t2i')]);
  });

  test('t2i2t gives the sampled image to the second run', () => {
    const { requests, sample } = requestsOf(requestOf({ mode: 't2i2t' }));
    expect(requests[4]!.evaluations[0]).toMatchObject({ ...sample.image, tImage: 0 });
  });
});

test('progress counts steps and carries the latest estimate of what is sampled', () => {
  const { requests } = requestsOf(requestOf({ mode: 't2i2t', steps: 3 }));
  expect(requests.map(({ progress: { step, total } }) => [step, total])).toEqual(
    Array.from({ length: 6 }, (_, k) => [k, 6]),
  );
  const shown = requests.map(({ progress: { denoised } }) => Object.keys(denoised ?? {}).join());
  expect(shown).toEqual(['', 'image', 'image', 'image', 'text', 'text']);
});

const solvers: SolverOptions[] = [
  { kind: 'dpm-singlestep' },
  { kind: 'dpm-multistep', order: 3 },
  { kind: 'dpm-multistep', stochastic: true },
  { kind: 'ddim', eta: 0.5 },
  ...solverNames.map(name => solverOptions(name)),
];
const schedules = [cosine(), continuousTable(createBetas()), discreteTable()];

test('every solver works with every schedule, prediction type, mode and guidance', () => {
  const types = ['epsilon', 'v', 'sample'] as const;
  const choice = fc.record({
    solver: fc.constantFrom(...solvers),
    schedule: fc.constantFrom(...schedules),
    prediction: fc.constantFrom(...types),
    mode: fc.constantFrom(...modes),
    guidance: fc.constantFrom(1, 3.5),
    steps: fc.integer({ min: 1, max: 6 }),
  });
  fc.assert(
    fc.property(choice, changes => {
      const { requests, sample } = requestsOf(requestOf(changes));
      expect(requests).toHaveLength(countEvaluationRequests(requestOf(changes)));
      const each = changes.solver.kind === 'heun' ? 2 * changes.steps - 1 : changes.steps;
      const repeated = changes.solver.kind === 'pndm' && changes.steps > 1 ? 1 : 0;
      expect(requests).toHaveLength((each + repeated) * stagesOf(changes.mode).length);
      const values = [...(sample.image?.z ?? []), ...(sample.image?.c ?? []), ...(sample.text ?? [])];
      expect(values.length).toBeGreaterThan(0);
      expect(values.every(Number.isFinite)).toBe(true);
    }),
  );
});

test('sample i of a batch is the sample of seed + i alone', async () => {
  const count = fc.integer({ min: 1, max: 5 });
  await fc.assert(
    fc.asyncProperty(
      fc.nat(1000),
      count,
      fc.constantFrom(...modes),
      fc.constantFrom(...solvers),
      async (seed, n, mode, solver) => {
        const run = (i: number) =>
          sampleRun(requestOf({ mode, solver, guidance: 2, noise: seededNoise(seed + i, shapes) }));
        const batch = await runInLockstep(
          Array.from({ length: n }, (_, i) => run(i)),
          predict,
        );
        for (const [i, sample] of batch.entries()) expect(await runInLockstep([run(i)], predict)).toEqual([sample]);
      },
    ),
    { numRuns: 30 },
  );
});

describe('refuses', () => {
  const noise: RunNoise = seededNoise(1, shapes);
  test.each([
    [{ mode: 't2i', given: {} }, 'Mode "t2i" needs given.text'],
    [{ mode: 'i2t2i', given: { text: given.text! } }, 'needs given.image'],
    [{ given: { text: new Float32Array(5) } }, 'given.y must fill [2, 2], got 5 values'],
    [{ negative: { text: new Float32Array(1) } }, 'negative.y must fill [2, 2], got 1'],
    [{ steps: 0 }, 'number of steps'],
  ] as const)('%j', (changes, message) => {
    expect(() => sampleRun(requestOf({ ...changes, noise } as Partial<SampleRequest>))).toThrow(message);
  });

  test('too few predictions', () => {
    const run = sampleRun(requestOf({ guidance: 2 }));
    run.next();
    expect(() => run.next([])).toThrow('A request of 2 evaluations got 0 predictions');
  });

  test('nothing that a mode does not need', () => {
    for (const mode of modes.filter(mode => neededBy(mode).length === 0)) {
      expect(() => sampleRun(requestOf({ mode, given: {} }))).not.toThrow();
    }
  });
});
