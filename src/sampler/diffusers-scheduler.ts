/**
 * A scheduler_config.json of diffusers as a schedule, a prediction type and options of a solver. Values that the file leaves
 * out are those of the class that it names, or of the class that is chosen instead of it: as in diffusers, what
 * the file says itself is carried over to the other class, and its own class's defaults are not.
 */
import Type, { type Static } from 'typebox';
import { Value } from 'typebox/value';
import { DuetError } from '../core/errors.ts';
import { type BetaOptions, discreteTable } from './discrete-schedule.ts';
import type { PredictionType } from './prediction.ts';
import type { Schedule } from './schedule.ts';
import type { SigmaSpacing } from './sigma-spacing.ts';
import type { SolverOptions } from './solve.ts';
import { checkNoiseSchedule, type NoiseSchedule, type SolverName } from './solver-names.ts';

export interface Scheduler {
  readonly schedule: Schedule;
  readonly prediction: PredictionType;
  readonly solver: SolverOptions;
}

/** What is chosen instead of what the file says. */
export interface SchedulerChoice {
  readonly solver?: SolverName | undefined;
  readonly noiseSchedule?: NoiseSchedule | undefined;
}

const nullable = <T extends Type.TSchema>(schema: T) => Type.Optional(Type.Union([schema, Type.Null()]));
const flag = nullable(Type.Boolean());
/** Options that are not built: they may be there, but not be switched on. */
const off = Type.Optional(Type.Union([Type.Literal(false), Type.Null()]));
const choice = <T extends string>(...values: T[]) => Type.Optional(Type.Unsafe<T>(Type.Enum(values)));

/** Every key of the classes below; a key with the value false or null may have any other name. */
const configSchema = Type.Object({
  _class_name: Type.Optional(Type.String()),
  _diffusers_version: Type.Optional(Type.String()),
  num_train_timesteps: Type.Optional(Type.Integer({ minimum: 1, maximum: 100_000 })),
  beta_start: Type.Optional(Type.Number()),
  beta_end: Type.Optional(Type.Number()),
  beta_schedule: choice('linear', 'scaled_linear', 'squaredcos_cap_v2'),
  trained_betas: nullable(Type.Array(Type.Number({ minimum: 0, exclusiveMaximum: 1 }), { minItems: 1 })),
  prediction_type: choice('epsilon', 'v_prediction', 'sample'),
  rescale_betas_zero_snr: flag,
  timestep_spacing: choice('linspace', 'leading', 'trailing'),
  steps_offset: Type.Optional(Type.Integer({ minimum: 0 })),
  set_alpha_to_one: flag,
  clip_sample: flag,
  clip_sample_range: Type.Optional(Type.Number({ minimum: 0 })),
  skip_prk_steps: flag,
  use_karras_sigmas: flag,
  use_exponential_sigmas: flag,
  use_beta_sigmas: flag,
  use_lu_lambdas: flag,
  final_sigmas_type: choice('zero', 'sigma_min'),
  solver_order: Type.Optional(Type.Integer({ minimum: 1, maximum: 3 })),
  solver_type: choice('midpoint', 'heun', 'bh1', 'bh2', 'logrho'),
  algorithm_type: choice('dpmsolver++', 'dpmsolver', 'sde-dpmsolver++', 'sde-dpmsolver', 'deis'),
  lower_order_final: flag,
  euler_at_final: flag,
  lambda_min_clipped: Type.Optional(Type.Number()),
  predict_x0: flag,
  disable_corrector: nullable(Type.Array(Type.Integer({ minimum: 0 }))),
  original_inference_steps: Type.Optional(Type.Integer({ minimum: 1 })),
  timestep_scaling: Type.Optional(Type.Number()),
  variance_type: Type.Optional(Type.Union([Type.Literal('fixed_small'), Type.Null()])),
  interpolation_type: Type.Optional(Type.Literal('linear')),
  timestep_type: Type.Optional(Type.Literal('discrete')),
  thresholding: off,
  use_flow_sigmas: off,
  use_dynamic_shifting: off,
  // Of options that are off.
  dynamic_thresholding_ratio: Type.Optional(Type.Number()),
  sample_max_value: Type.Optional(Type.Number()),
  flow_shift: nullable(Type.Number()),
  time_shift_type: Type.Optional(Type.String()),
});
type SchedulerConfig = Static<typeof configSchema>;

interface SchedulerClass {
  readonly solver: SolverName;
  readonly defaults: SchedulerConfig;
  readonly options: (config: SchedulerConfig) => SolverOptions;
}

/** Defaults of beta_start, beta_end and beta_schedule of most classes. */
const originalBetas = { beta_start: 0.0001, beta_end: 0.02, beta_schedule: 'linear' } as const;
const latentBetas = { beta_start: 0.00085, beta_end: 0.012, beta_schedule: 'scaled_linear' } as const;

const classes: Readonly<Record<string, SchedulerClass>> = {
  DDIMScheduler: {
    solver: 'ddim',
    defaults: { ...originalBetas, clip_sample: true, set_alpha_to_one: true, timestep_spacing: 'leading' },
    options: config => ({ kind: 'ddim', ...spacingOf(config), ...clipOf(config), ...finalAlphaOf(config) }),
  },
  DDPMScheduler: {
    solver: 'ddpm',
    defaults: { ...originalBetas, clip_sample: true, timestep_spacing: 'leading' },
    options: config => ({ kind: 'ddpm', ...spacingOf(config), ...clipOf(config) }),
  },
  PNDMScheduler: {
    solver: 'pndm',
    defaults: { ...originalBetas, skip_prk_steps: false, set_alpha_to_one: false, timestep_spacing: 'leading' },
    options: config => ({
      kind: 'pndm',
      ...spacingOf(config),
      ...finalAlphaOf(config),
      combines: config.prediction_type === 'v_prediction' ? 'v' : 'epsilon',
      rungeKutta: !config.skip_prk_steps,
    }),
  },
  EulerDiscreteScheduler: {
    solver: 'euler',
    defaults: { ...originalBetas, timestep_spacing: 'linspace' },
    options: config => ({ kind: 'euler', ...spacingOf(config), ...sigmasOf(config), ...finalSigmaOf(config) }),
  },
  EulerAncestralDiscreteScheduler: {
    solver: 'euler-ancestral',
    defaults: { ...originalBetas, timestep_spacing: 'linspace' },
    options: config => ({ kind: 'euler-ancestral', ...spacingOf(config), ...sigmasOf(config) }),
  },
  HeunDiscreteScheduler: {
    solver: 'heun',
    defaults: { ...latentBetas, beta_schedule: 'linear', clip_sample: false, timestep_spacing: 'linspace' },
    options: config => ({ kind: 'heun', ...spacingOf(config), ...sigmasOf(config), ...clipOf(config) }),
  },
  DPMSolverMultistepScheduler: {
    solver: 'dpm-multistep',
    defaults: { ...originalBetas, timestep_spacing: 'linspace', solver_type: 'midpoint', lower_order_final: true },
    options: config => ({
      kind: 'dpm-multistep',
      ...spacingOf(config),
      ...dpmOptionsOf(config),
      lowerOrderFinal: config.lower_order_final !== false,
      eulerAtFinal: config.euler_at_final === true,
      stochastic: config.algorithm_type?.startsWith('sde-') === true,
    }),
  },
  DPMSolverSinglestepScheduler: {
    solver: 'dpm-singlestep',
    defaults: { ...originalBetas, solver_type: 'midpoint', lower_order_final: false },
    options: config => {
      const lowerOrderFinal = config.lower_order_final === true;
      return { kind: 'dpm-singlestep', method: 'grid', ...dpmOptionsOf(config), lowerOrderFinal };
    },
  },
  UniPCMultistepScheduler: {
    solver: 'unipc',
    defaults: { ...originalBetas, timestep_spacing: 'linspace', solver_type: 'bh2', lower_order_final: true },
    options: config => ({
      kind: 'unipc',
      ...spacingOf(config),
      ...sigmasOf(config),
      ...finalSigmaOf(config),
      order: orderOf(config),
      scaling: config.solver_type === 'bh1' ? 'bh1' : 'bh2',
      algorithm: config.predict_x0 === false ? 'dpmsolver' : 'dpmsolver++',
      lowerOrderFinal: config.lower_order_final !== false,
      withoutCorrector: config.disable_corrector ?? [],
    }),
  },
  LCMScheduler: {
    solver: 'lcm',
    defaults: { ...latentBetas, clip_sample: false },
    options: config => ({
      kind: 'lcm',
      ...clipOf(config),
      originalSteps: config.original_inference_steps ?? 50,
      timestepScaling: config.timestep_scaling ?? 10,
    }),
  },
};

/**
 * @param config parsed JSON
 * @param origin the file, for messages
 * @throws DuetError 'invalid-config' that names the class or key that is not known, with what is allowed
 */
export function readScheduler(config: unknown, origin: string, choice: SchedulerChoice = {}): Scheduler {
  const own = checkConfig(withoutIdleClipping(config), origin);
  const named = classOf(own, origin);
  const chosen = classFor(choice) ?? named;
  const { solver, defaults, options } = chosen;
  const noise = choice.noiseSchedule && { ...sigmaKeys, ...sigmaSwitches(choice.noiseSchedule, solver) };
  const merged = { ...defaults, ...own, ...algorithmOf(choice), ...noise };
  return {
    schedule: discreteTable(betasOf(merged, chosen)),
    prediction: predictionTypes[merged.prediction_type ?? 'epsilon'],
    solver: options(merged),
  };
}

/**
 * The text of a scheduler_config.json; Python writes an infinite number as a word that JSON does not have.
 */
export function parseSchedulerJson(text: string, origin: string): unknown {
  try {
    return JSON.parse(text.replace(/(?<=:\s*-?)Infinity(?=\s*[,}])/g, '1e999'));
  } catch (error) {
    throw new DuetError('invalid-config', `${origin} is not JSON`, { cause: error });
  }
}

/** Minus infinity is how diffusers writes that nothing is clipped; schemas know finite numbers alone. */
function withoutIdleClipping(config: unknown): unknown {
  if (typeof config !== 'object' || config === null || !('lambda_min_clipped' in config)) return config;
  const { lambda_min_clipped: least, ...others } = config;
  return least === Number.NEGATIVE_INFINITY ? others : config;
}

function checkConfig(config: unknown, origin: string): SchedulerConfig {
  if (!Value.Check(configSchema, config)) {
    const [first] = Value.Errors(configSchema, config);
    const place = first?.instancePath.replaceAll('/', '.').slice(1) || 'the whole file';
    throw new DuetError('invalid-config', `${origin}: ${place} ${faultOf(place, first?.message)}`);
  }
  const strange = Object.entries(config).find(
    ([key, value]) =>
      !Object.hasOwn(configSchema.properties, key) && !key.startsWith('_') && value !== null && value !== false,
  );
  if (!strange) return config;
  const known = Object.keys(configSchema.properties).join(', ');
  throw new DuetError('invalid-config', `${origin}: the key ${strange[0]} is not known; known are ${known}`);
}

function faultOf(key: string, message = 'is not valid'): string {
  const { enum: values } = (configSchema.properties[key as keyof SchedulerConfig] ?? {}) as {
    enum?: readonly string[];
  };
  return values ? `must be one of ${values.join(', ')}` : message;
}

function classOf({ _class_name: name }: SchedulerConfig, origin: string): SchedulerClass {
  if (name !== undefined && Object.hasOwn(classes, name)) return classes[name]!;
  const known = Object.keys(classes).join(', ');
  throw new DuetError('invalid-config', `${origin}: the scheduler ${name} is not known; known are ${known}`);
}

function classFor({ solver }: SchedulerChoice): SchedulerClass | undefined {
  const name = solver === 'dpm-multistep-sde' ? 'dpm-multistep' : solver;
  return Object.values(classes).find(({ solver }) => solver === name);
}

/** The algorithm that a solver's name stands for; the steps of Runge and Kutta are no part of PNDM by that name. */
function algorithmOf({ solver }: SchedulerChoice): SchedulerConfig {
  if (solver === 'pndm') return { skip_prk_steps: true };
  if (solver === 'dpm-multistep-sde') return { algorithm_type: 'sde-dpmsolver++' };
  return solver === 'dpm-multistep' || solver === 'dpm-singlestep' ? { algorithm_type: 'dpmsolver++' } : {};
}

const sigmaKeys = {
  use_karras_sigmas: false,
  use_exponential_sigmas: false,
  use_beta_sigmas: false,
  use_lu_lambdas: false,
} as const satisfies SchedulerConfig;

function sigmaSwitches(schedule: NoiseSchedule, solver: SolverName): SchedulerConfig {
  checkNoiseSchedule(solver, schedule);
  return schedule === 'uniform' ? {} : { [`use_${schedule}_sigmas`]: true };
}

const predictionTypes = { epsilon: 'epsilon', v_prediction: 'v', sample: 'sample' } as const;

function betasOf(config: SchedulerConfig, { solver }: SchedulerClass): BetaOptions {
  const { beta_schedule, beta_start, beta_end, num_train_timesteps, trained_betas, rescale_betas_zero_snr } = config;
  return {
    ...(beta_schedule && { schedule: beta_schedule }),
    ...(beta_start !== undefined && { start: beta_start }),
    ...(beta_end !== undefined && { end: beta_end }),
    ...(num_train_timesteps !== undefined && { count: num_train_timesteps }),
    ...(trained_betas && { values: trained_betas }),
    zeroTerminalSnr: rescale_betas_zero_snr === true && !withoutRescaling.includes(solver),
  };
}

/** Classes that have no key rescale_betas_zero_snr and, as in diffusers, do without it. */
const withoutRescaling: readonly SolverName[] = ['pndm', 'heun', 'dpm-singlestep'];

function spacingOf({ timestep_spacing, steps_offset = 0 }: SchedulerConfig) {
  return { ...(timestep_spacing && { spacing: timestep_spacing }), stepsOffset: steps_offset };
}

function clipOf({ clip_sample, clip_sample_range = 1 }: SchedulerConfig): { readonly clip?: number } {
  return clip_sample ? { clip: clip_sample_range } : {};
}

function finalAlphaOf({ set_alpha_to_one }: SchedulerConfig) {
  return { finalSigma: set_alpha_to_one ? 'zero' : 'min' } as const;
}

function finalSigmaOf({ final_sigmas_type }: SchedulerConfig) {
  return { finalSigma: final_sigmas_type === 'sigma_min' ? 'min' : 'zero' } as const;
}

function sigmasOf(config: SchedulerConfig): { readonly sigmas?: SigmaSpacing } {
  if (config.use_karras_sigmas) return { sigmas: 'karras' };
  if (config.use_lu_lambdas) return { sigmas: 'lu' };
  if (config.use_exponential_sigmas) return { sigmas: 'exponential' };
  return config.use_beta_sigmas ? { sigmas: 'beta' } : {};
}

function orderOf({ solver_order = 2 }: SchedulerConfig): 1 | 2 | 3 {
  return solver_order as 1 | 2 | 3; // the schema sees to it
}

function dpmOptionsOf(config: SchedulerConfig) {
  const { solver_type, algorithm_type = 'dpmsolver++', lambda_min_clipped } = config;
  return {
    ...sigmasOf(config),
    ...finalSigmaOf(config),
    order: orderOf(config),
    variant: solver_type === 'heun' ? 'heun' : 'midpoint',
    algorithm: algorithm_type === 'dpmsolver' || algorithm_type === 'sde-dpmsolver' ? 'dpmsolver' : 'dpmsolver++',
    ...(lambda_min_clipped !== undefined && { leastLambda: lambda_min_clipped }),
  } as const;
}
