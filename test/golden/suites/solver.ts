/**
 * solver.json: noise schedules, and solvers on a network that is a formula, tanh(0.7 x + 0.001 t). Host code only, so every
 * backend gives the same. `skips` names the kinds of cases that have no solver.
 */
import {
  addNoise,
  continuousTable,
  createBetas,
  discreteTable,
  estimate,
  minSnrWeight,
  type NoiseLevel,
  predictionTarget,
  type Scheduler,
  solve,
  vpLinear,
} from '../../../src/sampler/index.ts';
import { type CaseResult, compare } from '../compare.ts';
import { eachCase, type GoldenCase, type GoldenFile } from '../harness.ts';
import { type Kwargs, schedulerOf, singlestepOptions } from '../scheduler-options.ts';
import { readTensor, readValues, ruleI, toTensor, type Values } from '../tensors.ts';

export const file = 'solver.json';

/** The kinds of cases that have no solver here, each once. */
export function skips(golden: GoldenFile): string[] {
  const left = golden.cases.filter(({ config }) => config['family'] === 'original' && !singlestepOptions(config));
  return [...new Set(left.map(({ config }) => `original, ${config['skip_type']}, ${config['method']}`))];
}

export const run = eachCase(golden => {
  if (golden.config['family'] === 'schedule') return compareSchedule(golden);
  const setup = schedulerFor(golden.config);
  return setup ? compareSolver(golden, setup) : [];
});

function schedulerFor(config: GoldenCase['config']): Scheduler | undefined {
  const epsilon = { prediction: 'epsilon' } as const;
  switch (config['family']) {
    case 'original': {
      const solver = singlestepOptions(config);
      return solver && { ...epsilon, schedule: continuousTable(createBetas()), solver };
    }
    case 'uvit-dpm-solver': {
      const solver = { kind: 'dpm-singlestep', method: 'grouped', grid: 'log-snr', algorithm: 'dpmsolver' } as const;
      return { ...epsilon, schedule: vpLinear(), solver };
    }
    case 'euler-maruyama':
      return {
        ...epsilon,
        schedule: vpLinear(),
        solver: { kind: 'euler-maruyama', stochastic: config['sde'] === true },
      };
    default: {
      const scheduler = schedulerOf((config['kwargs'] ?? {}) as Kwargs, config['class']);
      const { solver } = scheduler;
      return { ...scheduler, solver: solver.kind === 'ddim' ? { ...solver, eta: Number(config['eta'] ?? 0) } : solver };
    }
  }
}

function compareSolver(golden: GoldenCase, { schedule, prediction, solver: options }: Scheduler): CaseResult[] {
  const { config, inputs, outputs, tolerance } = golden;
  const noise = noiseOf(golden['noise'] ?? inputs['noise'] ?? inputs['noises']);
  const x = readTensor(inputs['x_init'], 'float32', 'x_init').data as Float32Array;
  const problem = { schedule, x, steps: config['steps'] as number, ...(noise ? { noise } : {}) };
  const solver = solve(problem, options);
  const recorded: { level: NoiseLevel; x: Float32Array }[] = [];
  let point = solver.next();
  while (!point.done) {
    const { x, level, index, total } = point.value;
    recorded.push({ level, x });
    const output = x.map(value => Math.tanh(0.7 * value + 0.001 * level.t));
    const answer = estimate(prediction, x, output, level);
    // The recorded code takes its last data prediction for noise when it denoises: x - sigma x0 instead of x0.
    const last = config['denoise'] === true && index === total - 1;
    point = solver.next(last ? estimate('epsilon', x, answer.x0, level) : answer);
  }
  const states = recorded.flatMap(({ x }) => [...x]);
  // Methods in sigma / alpha record x / alpha.
  const isRatio = ['euler', 'euler-ancestral', 'heun'].includes(options.kind);
  const scaled = recorded.flatMap(({ x, level }) => [...(isRatio ? x.map(value => value / level.alpha) : x)]);
  const got: Record<string, ArrayLike<number>> = {
    final: point.value,
    timesteps: recorded.map(({ level }) => level.t),
    x_at_calls: states,
    trajectory: [...scaled, ...point.value],
  };
  return Object.keys(got)
    .filter(name => outputs[name])
    .map(name => compare(`${golden.name} / ${name}`, { data: got[name]! }, outputs[name], tolerance));
}

/** The draws one after the other: by one rule for all of them, each as a tensor of its own, or as the rows of one. */
function noiseOf(recipe: unknown): ((length: number) => Float32Array) | undefined {
  if (recipe === undefined) return undefined;
  let draws = 0;
  if (typeof recipe === 'object' && recipe !== null && 'c0' in recipe) {
    const { c0, dc } = recipe as { c0: number; dc: number };
    return length => floats(ruleI([length], c0 + dc * draws++));
  }
  const rows = floats(readValues(recipe, 'noise'));
  return length => rows.slice(length * draws, length * ++draws);
}

function floats(values: Values): Float32Array {
  return toTensor(values).data as Float32Array;
}

function compareSchedule({ config, outputs, tolerance }: GoldenCase): CaseResult[] {
  const { n, t, lambda, shape, timesteps } = config as unknown as Record<
    'n' | 't' | 'lambda' | 'shape' | 'timesteps',
    number[]
  >;
  const betas = createBetas();
  const table = continuousTable(betas);
  const discrete = discreteTable();
  const vp = vpLinear();
  const x0 = floats(ruleI(shape, 0.3));
  const noise = floats(ruleI(shape, 1.7));
  const rows = (f: (x0: Float32Array, noise: Float32Array, level: NoiseLevel) => Float32Array) => {
    const width = x0.length / timesteps.length;
    const row = (values: Float32Array, k: number) => values.subarray(k * width, (k + 1) * width);
    return timesteps.flatMap((time, k) => [...f(row(x0, k), row(noise, k), discrete.at(time))]);
  };
  const got: Record<string, number[]> = {
    beta: n.map(index => betas[index - 1]!),
    alpha_bar: n.map(index => table.at(index).alpha ** 2),
    log_alpha_of_t: t.map(tau => Math.log(table.at(1000 * tau).alpha)),
    lambda_of_t: t.map(tau => table.at(1000 * tau).lambda),
    t_of_lambda: lambda.map(value => table.timeOf(value) / 1000),
    vpsde_alpha_bar_of_t: t.map(tau => vp.at(999 * tau).alpha ** 2),
    diffusers_alphas_cumprod: timesteps.map(time => discrete.at(time).alpha ** 2),
    add_noise: rows(addNoise),
    velocity: rows((x0, noise, level) => predictionTarget('v', x0, noise, level)),
    min_snr_5_weight: timesteps.map(time => minSnrWeight('epsilon', discrete.at(time))),
  };
  return Object.entries(outputs).map(([name, expected]) =>
    compare(`schedule / ${name}`, { data: got[name] ?? [] }, expected, tolerance),
  );
}
