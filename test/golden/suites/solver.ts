/**
 * solver.json: noise schedules, and solvers on a network that is a formula, tanh(0.7 x + 0.001 t). Host code only, so every
 * backend gives the same. `skips` names the kinds of cases for which there is no solver yet.
 */
import {
  addNoise,
  continuousTable,
  createBetas,
  discreteTable,
  estimate,
  minSnrWeight,
  type NoiseLevel,
  type PredictionType,
  predictionTarget,
  type Schedule,
  type SolverOptions,
  solve,
  vpLinear,
} from '../../../src/sampler/index.ts';
import { type CaseResult, compare } from '../compare.ts';
import { eachCase, type GoldenCase, type GoldenFile } from '../harness.ts';
import {
  betasOf,
  ddimOptions,
  type Kwargs,
  multistepOptions,
  predictionOf,
  singlestepOptions,
} from '../scheduler-options.ts';
import { readTensor, readValues, ruleI, toTensor, type Values } from '../tensors.ts';

export const file = 'solver.json';

interface Setup {
  readonly schedule: Schedule;
  readonly prediction: PredictionType;
  readonly options: SolverOptions;
}

/** The kinds of cases that have no solver here, each once. */
export function skips(golden: GoldenFile): string[] {
  const left = golden.cases.filter(({ config }) => config['family'] !== 'schedule' && !setupOf(config));
  return [...new Set(left.map(({ config }) => String(config['class'] ?? config['family'])))];
}

export const run = eachCase(golden => {
  if (golden.config['family'] === 'schedule') return compareSchedule(golden);
  const setup = setupOf(golden.config);
  return setup ? compareSolver(golden, setup) : [];
});

function setupOf(config: GoldenCase['config']): Setup | undefined {
  if (config['family'] === 'original') {
    const options = singlestepOptions(config);
    return options && { schedule: continuousTable(createBetas()), prediction: 'epsilon', options };
  }
  if (config['family'] === 'uvit-dpm-solver') {
    const options = { kind: 'dpm-singlestep', method: 'grouped', grid: 'log-snr', algorithm: 'dpmsolver' } as const;
    return { schedule: vpLinear(), prediction: 'epsilon', options };
  }
  const kwargs = (config['kwargs'] ?? {}) as Kwargs;
  const prediction = predictionOf(kwargs);
  const solver = config['class'] ?? kwargs['_class_name'];
  const options =
    solver === 'DPMSolverMultistepScheduler'
      ? multistepOptions(kwargs)
      : solver === 'DDIMScheduler'
        ? ddimOptions(kwargs, config['eta'])
        : undefined;
  return options && prediction && { schedule: discreteTable(createBetas(betasOf(kwargs))), prediction, options };
}

function compareSolver(golden: GoldenCase, { schedule, prediction, options }: Setup): CaseResult[] {
  const { config, inputs, outputs, tolerance } = golden;
  const noise = noiseOf(golden['noise'] ?? inputs['noise'] ?? inputs['noises']);
  const x = readTensor(inputs['x_init'], 'float32', 'x_init').data as Float32Array;
  const problem = { schedule, x, steps: config['steps'] as number, ...(noise ? { noise } : {}) };
  const solver = solve(problem, options);
  const [times, states]: [number[], number[]] = [[], []];
  let point = solver.next();
  while (!point.done) {
    const { x, level, index, total } = point.value;
    times.push(level.t);
    states.push(...x);
    const output = x.map(value => Math.tanh(0.7 * value + 0.001 * level.t));
    const answer = estimate(prediction, x, output, level);
    // The recorded code takes its last data prediction for noise when it denoises: x - sigma x0 instead of x0.
    const last = config['denoise'] === true && index === total - 1;
    point = solver.next(last ? estimate('epsilon', x, answer.x0, level) : answer);
  }
  const results = [
    compare('final', { data: point.value }, outputs['final'], tolerance),
    compare('timesteps', { data: times }, outputs['timesteps'], tolerance),
    ...(outputs['x_at_calls'] ? [compare('states', { data: states }, outputs['x_at_calls'], tolerance)] : []),
    ...(outputs['trajectory']
      ? [compare('trajectory', { data: [...states, ...point.value] }, outputs['trajectory'], tolerance)]
      : []),
  ];
  return results.map(result => ({ ...result, name: `${golden.name} / ${result.name}` }));
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
  const discrete = discreteTable(betas);
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
