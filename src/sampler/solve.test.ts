/**
 * The solvers on data whose probability-flow ODE is solved in closed form. For x0 ~ N(mu, s^2) the state has the standard
 * deviation d_t = sqrt(alpha^2 s^2 + sigma^2), the best prediction is linear in x, and (x_t - alpha_t mu) / d_t is constant.
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createBetas, discreteTable } from './discrete-schedule.ts';
import { estimate, type PredictionType, predictionTarget } from './prediction.ts';
import { cleanLevel, continuousTable, cosine, type NoiseLevel, type Schedule, vpLinear } from './schedule.ts';
import { firstEvaluation, type SolverOptions, solve } from './solve.ts';
import type { SolverProblem } from './solver.ts';

const schedules = {
  table: continuousTable(createBetas()),
  discrete: discreteTable(),
  cosine: cosine(),
  vp: vpLinear(),
} satisfies Record<string, Schedule>;

const deterministic: SolverOptions[] = [
  { kind: 'dpm-singlestep', order: 1 },
  { kind: 'dpm-singlestep', order: 2 },
  { kind: 'dpm-singlestep', order: 3 },
  { kind: 'dpm-singlestep', order: 3, method: 'grouped', grid: 'log-snr' },
  { kind: 'dpm-singlestep', order: 3, method: 'fixed', grid: 'log-snr', algorithm: 'dpmsolver' },
  { kind: 'dpm-singlestep', order: 2, grid: 'quadratic', denoise: true },
  { kind: 'dpm-multistep', order: 1 },
  { kind: 'dpm-multistep', order: 2 },
  { kind: 'dpm-multistep', order: 2, variant: 'heun', spacing: 'trailing' },
  { kind: 'dpm-multistep', order: 2, sigmas: 'karras' },
  { kind: 'dpm-multistep', order: 3, sigmas: 'lu', finalSigma: 'min' },
  { kind: 'dpm-multistep', order: 3, spacing: 'leading', stepsOffset: 1 },
  { kind: 'dpm-multistep', order: 3, finalSigma: 'min' },
  { kind: 'dpm-multistep', order: 2, finalSigma: 'min', algorithm: 'dpmsolver' },
  { kind: 'ddim' },
  { kind: 'ddim', spacing: 'trailing', finalSigma: 'min' },
  { kind: 'ddim', spacing: 'linspace' },
  { kind: 'pndm', finalSigma: 'zero' },
  { kind: 'pndm', spacing: 'trailing', combines: 'v', finalSigma: 'zero' },
  { kind: 'pndm', rungeKutta: true, finalSigma: 'zero' },
  { kind: 'euler', spacing: 'trailing' },
  { kind: 'euler', sigmas: 'exponential' },
  { kind: 'dpm-multistep', sigmas: 'beta' },
  { kind: 'heun' },
  { kind: 'heun', sigmas: 'karras' },
  { kind: 'dpm-singlestep', method: 'grid', order: 2 },
  { kind: 'dpm-singlestep', method: 'grid', order: 3, variant: 'heun', sigmas: 'exponential' },
  { kind: 'dpm-singlestep', method: 'grid', order: 3, finalSigma: 'min', algorithm: 'dpmsolver' },
  { kind: 'unipc' },
  { kind: 'unipc', order: 3, scaling: 'bh1', sigmas: 'karras' },
  { kind: 'unipc', order: 3, finalSigma: 'min', algorithm: 'dpmsolver' },
];

interface Gaussian {
  readonly mu: number;
  readonly s: number;
}

const spread = ({ s }: Gaussian, { alpha, sigma }: NoiseLevel) => Math.sqrt((alpha * s) ** 2 + sigma ** 2);

/** The best prediction of x0 for a state of N(mu, s^2) data. */
function bestData(data: Gaussian, x: Float32Array, level: NoiseLevel): Float32Array {
  const gain = (level.alpha * data.s ** 2) / spread(data, level) ** 2;
  return x.map(value => data.mu + gain * (value - level.alpha * data.mu));
}

/** Solves and also says at which level the solver ended, as far as the options say it. */
function run(data: Gaussian, schedule: Schedule, steps: number, options: SolverOptions, type: PredictionType = 'v') {
  const x = Float32Array.of(-1.3, 0.2, 2);
  const solver = solve({ schedule, x, steps, noise: length => new Float32Array(length).fill(0.5) }, options);
  const times: number[] = [];
  let start: NoiseLevel | undefined;
  let point = solver.next();
  while (!point.done) {
    const { x, level } = point.value;
    start ??= level;
    times.push(level.t);
    const x0 = bestData(data, x, level);
    const eps = x.map((value, i) => (value - level.alpha * x0[i]!) / level.sigma);
    point = solver.next(estimate(type, x, predictionTarget(type, x0, eps, level), level));
  }
  const final = 'finalSigma' in options ? options.finalSigma : 'zero';
  const isOriginal = options.kind === 'dpm-singlestep' && options.method !== 'grid';
  const ended = isOriginal || final === 'min' ? schedule.at(schedule.tMin) : cleanLevel;
  const ratio = spread(data, ended) / spread(data, start!);
  const exact = Array.from(x, value => ended.alpha * data.mu + ratio * (value - start!.alpha * data.mu));
  return { got: Array.from(point.value), exact, times, start: start! };
}

/**
 * Integrating the noise scales the state, rounding errors included, by alpha_t / alpha_s: not for schedules that begin at
 * alpha = 0 (cosine), and worse the longer the steps.
 */
const amplifies = (options: SolverOptions, schedule: string) => 'algorithm' in options && schedule === 'cosine';

const largest = (got: number[], want: number[]) => Math.max(...got.map((value, i) => Math.abs(value - want[i]!)));

describe.each(Object.entries(schedules))('schedule %s', (name, schedule) => {
  test.each(deterministic)('$kind $order $method $spacing $grid approaches the exact solution', options => {
    const { got, exact } = run({ mu: 0.7, s: 0.6 }, schedule, 60, options);
    if (amplifies(options, name)) return;
    const isFirstOrder = options.kind === 'ddim' || options.kind === 'euler';
    expect(largest(got, exact)).toBeLessThan(isFirstOrder || name === 'vp' ? 0.12 : 0.06);
  });

  test.each(deterministic)('$kind $order $method $spacing $grid is exact when all data is one point', options => {
    if ('denoise' in options || ('combines' in options && options.combines === 'v')) return;
    if (amplifies(options, name)) return;
    const { got, exact } = run({ mu: 0.7, s: 0 }, schedule, 5, options);
    const scales = 'algorithm' in options ? 1e-2 : options.kind === 'pndm' ? 1e-3 : 2e-5;
    expect(largest(got, exact)).toBeLessThan(scales);
  });
});

test.each(deterministic)('$kind $order takes every prediction type', options => {
  const results = (['epsilon', 'v', 'sample'] as const).map(type => {
    return run({ mu: -0.4, s: 1.2 }, schedules.table, 9, options, type).got;
  });
  expect(largest(results[0]!, results[1]!)).toBeLessThan(1e-5);
  expect(largest(results[2]!, results[1]!)).toBeLessThan(1e-5);
});

describe('order of convergence', () => {
  const data = { mu: 0.7, s: 0.6 };
  const error = (steps: number, options: SolverOptions) => {
    const { got, exact } = run(data, schedules.table, steps, options);
    return largest(got, exact);
  };

  const slope = (steps: number, options: SolverOptions) =>
    Math.log2(error(steps, options) / error(4 * steps, options)) / 2;

  test.each([1, 2, 3] as const)('singlestep order %i', order => {
    expect(slope(12, { kind: 'dpm-singlestep', order, method: 'fixed', grid: 'log-snr' })).toBeGreaterThan(order - 0.3);
  });

  test.each([1, 2, 3] as const)('multistep order %i (at most 2 while its first step is of order 1)', order => {
    const options = { kind: 'dpm-multistep', order, sigmas: 'lu', finalSigma: 'min' } as const;
    expect(slope(24, options)).toBeGreaterThan(Math.min(order, 2) - 0.3);
  });

  test('DDIM is of order 1', () => {
    const ratio = error(100, { kind: 'ddim', spacing: 'trailing' }) / error(200, { kind: 'ddim', spacing: 'trailing' });
    expect(Math.log2(ratio)).toBeGreaterThan(0.7);
  });
});

test('solvers that add noise keep the spread of the data', () => {
  const stochastic: SolverOptions[] = [
    { kind: 'ddim', eta: 1, finalSigma: 'min' },
    { kind: 'dpm-multistep', order: 2, stochastic: true },
    { kind: 'ddpm' },
    { kind: 'euler-ancestral' },
    { kind: 'euler-ancestral', sigmas: 'karras' },
  ];
  for (const options of stochastic) {
    const n = 400;
    let seed = 1;
    const uniform = () => {
      seed = (seed * 16807) % 2147483647;
      return seed / 2147483647;
    };
    const normal = () => Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform());
    const noise = (length: number) => Float32Array.from({ length }, normal);
    const data = { mu: 1, s: 0.5 };
    const solver = solve({ schedule: schedules.table, x: noise(n), steps: 60, noise }, options);
    let point = solver.next();
    while (!point.done) {
      const { x, level } = point.value;
      point = solver.next(estimate('sample', x, bestData(data, x, level), level));
    }
    const mean = point.value.reduce((sum, value) => sum + value, 0) / n;
    const variance = point.value.reduce((sum, value) => sum + (value - mean) ** 2, 0) / n;
    expect(mean).toBeCloseTo(data.mu, 0);
    expect(Math.abs(Math.sqrt(variance) / data.s - 1)).toBeLessThan(0.2);
  }
});

/** How many evaluations `steps` steps take. */
function requestsOf(options: SolverOptions, steps: number): number {
  switch (options.kind) {
    case 'heun':
      return 2 * steps - 1;
    case 'pndm':
      return options.rungeKutta ? steps + 9 : steps + (steps > 1 ? 1 : 0);
    case 'dpm-singlestep':
      if (options.method === 'grid') return steps;
      return options.method === 'fixed' ? Math.max(1, Math.floor(steps / 3)) * 3 : steps + (options.denoise ? 1 : 0);
    default:
      return steps;
  }
}

test('makes as many requests as it announces, at falling timesteps', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 40 }), fc.constantFrom(...deterministic), (steps, options) => {
      fc.pre(!('rungeKutta' in options) || steps > 3);
      for (const schedule of Object.values(schedules)) {
        const { times } = run({ mu: 0, s: 1 }, schedule, steps, options);
        expect(times.length).toBe(requestsOf(options, steps));
        for (const [k, t] of times.entries()) if (k > 0) expect(t).toBeLessThanOrEqual(times[k - 1]!);
      }
    }),
    { numRuns: 40 },
  );
});

test("diffusers' own scheduler checks: mean |x| after 10 steps with the model x t / (t + 1)", () => {
  const linear = discreteTable({ schedule: 'linear', start: 1e-4, end: 0.02 });
  const meanAfter = (schedule: Schedule, type: PredictionType, options: SolverOptions) => {
    const x = Float32Array.from({ length: 768 }, (_, i) => i / 768);
    const solver = solve({ schedule, x, steps: 10 }, options);
    let point = solver.next();
    while (!point.done) {
      const { x, level } = point.value;
      const output = x.map(value => (value * level.t) / (level.t + 1));
      point = solver.next(estimate(type, x, output, level));
    }
    return point.value.reduce((sum, value) => sum + Math.abs(value), 0) / 768;
  };
  const second = { kind: 'dpm-multistep', order: 2, lowerOrderFinal: false, finalSigma: 'min' } as const;
  expect(meanAfter(linear, 'epsilon', second)).toBeCloseTo(0.3301, 3);
  expect(meanAfter(linear, 'v', second)).toBeCloseTo(0.2251, 3);
  const third = { kind: 'dpm-multistep', order: 3 } as const;
  expect(meanAfter(schedules.discrete, 'epsilon', third)).toBeCloseTo(0.240709, 4);
  expect(meanAfter(schedules.discrete, 'epsilon', { ...third, finalSigma: 'min' })).toBeCloseTo(0.250298, 4);
});

test('spends evaluations as the original does', () => {
  const { times } = run({ mu: 0, s: 1 }, schedules.table, 50, { kind: 'dpm-singlestep' });
  expect([times[0], times[1]!.toFixed(2), times[49]!.toFixed(2)]).toEqual([1000, '980.02', '20.98']);
});

test.each([
  [{ kind: 'ddim' }, 0, 'steps is an integer from 1 to 1000, got 0'],
  [{ kind: 'dpm-multistep' }, 1.5, 'got 1.5'],
  [{ kind: 'dpm-singlestep' }, 5000, 'got 5000'],
  [{ kind: 'dpm-multistep' }, 1000, 'steps is an integer from 1 to 999, got 1000'],
  [
    { kind: 'euler', spacing: 'leading', stepsOffset: 1 },
    1000,
    '1000 steps of leading spacing would begin at timestep 1000',
  ],
  [{ kind: 'lcm' }, 51, 'lcm takes at most 50 steps, got 51'],
  [{ kind: 'pndm', rungeKutta: true }, 3, 'takes 4 steps or more, got 3'],
  [{ kind: 'unipc', algorithm: 'dpmsolver' }, 5, "finalSigma 'min'"],
  [{ kind: 'unipc', lowerOrderFinal: false }, 5, "finalSigma 'min'"],
  [{ kind: 'euler-maruyama' }, 5, 'a schedule in continuous time'],
  [{ kind: 'dpm-multistep', algorithm: 'dpmsolver' }, 5, "finalSigma 'min'"],
] as const)('refuses %j with %d steps', (options, steps, message) => {
  expect(() => run({ mu: 0, s: 1 }, schedules.discrete, steps, options)).toThrow(message);
});

test('a solver that adds noise needs a source of it', () => {
  const solver = solve({ schedule: schedules.table, x: Float32Array.of(1), steps: 2 }, { kind: 'ddim', eta: 1 });
  const { value } = solver.next();
  const x = (value as { x: Float32Array }).x;
  expect(() => solver.next({ x0: x, eps: x })).toThrow('needs a source of noise');
});

describe('a solver that begins later', () => {
  const schedule = schedules.discrete;
  const answerOf = (x: Float32Array, level: NoiseLevel) => {
    const x0 = bestData({ mu: 0.7, s: 0.5 }, x, level);
    return { x0, eps: x.map((value, i) => (value - level.alpha * x0[i]!) / level.sigma) };
  };

  /** Runs to the end; `amend` is asked after each evaluation. */
  function ends(options: SolverOptions, problem: Pick<SolverProblem, 'skip' | 'amend'>, x: Float32Array) {
    const noise = (length: number) => new Float32Array(length);
    const solver = solve({ schedule, x, steps: 9, noise, ...problem }, options);
    const seen: { t: number; index: number; total: number }[] = [];
    let point = solver.next();
    while (!point.done) {
      const { x, level, index, total } = point.value;
      seen.push({ t: level.t, index, total });
      point = solver.next(answerOf(x, level));
    }
    return { end: [...point.value], seen };
  }

  const [first, other] = [Float32Array.of(-1.3, 0.2, 2), Float32Array.of(0.4, -0.9, 1.1)];

  test.each<SolverOptions>([
    { kind: 'ddim' },
    { kind: 'euler' },
    { kind: 'heun' },
    { kind: 'dpm-multistep', order: 1 },
    { kind: 'dpm-singlestep', method: 'grid', order: 1 },
    { kind: 'lcm' },
  ])('makes the last steps alone, as one whose state is replaced there: %j', options => {
    const at = options.kind === 'heun' ? 8 : 4;
    let evaluations = 0;
    const whole = ends(options, { amend: x => (++evaluations === at ? other : x) }, first);
    const later = ends(options, { skip: 4 }, other);
    expect(later.end).toEqual(whole.end);
    expect(later.seen.map(({ t }) => t)).toEqual(whole.seen.slice(at).map(({ t }) => t));
    expect(later.seen.map(({ index, total }) => [index, total])).toEqual(
      later.seen.map((_, k) => [k, later.seen.length]),
    );
  });

  test.each([...deterministic, { kind: 'lcm' } as const])('keeps its grid: %j', options => {
    const whole = ends(options, {}, first).seen;
    for (const skip of [1, 2, 5]) {
      const { seen } = ends(options, { skip }, other);
      const left = options.kind === 'heun' ? 2 * skip : skip;
      expect(seen.map(({ t }) => t)).toEqual(whole.slice(left).map(({ t }) => t));
      expect(seen[0]!.total).toBe(seen.length);
      expect(firstEvaluation({ schedule, steps: 9, skip }, options)).toMatchObject({
        level: { t: seen[0]!.t },
        total: seen.length,
      });
    }
  });

  test.each(deterministic.filter(options => options.kind !== 'dpm-singlestep' || options.method === 'grid'))(
    'tells the level of the next state: %j',
    options => {
      const next: (number | undefined)[] = [];
      const amend = (x: Float32Array, level: NoiseLevel | undefined) => {
        next.push(level?.t);
        return x;
      };
      const { seen } = ends(options, { amend }, first);
      expect(next).toEqual([...seen.slice(1).map(({ t }) => t), undefined]);
    },
  );
});
