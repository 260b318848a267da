/**
 * Reads a scheduler_config.json of diffusers as a schedule, a prediction type and options of a solver. Values that the file
 * leaves out are those of the class that it names, or of the class that is chosen instead of it: as in diffusers, what the
 * file says itself is carried over to the other class, and its own class's defaults are not.
 */
import { DuetError } from '../core/errors.ts';
import { checkSchedulerConfig, type SchedulerConfig } from './diffusers-scheduler-schema.ts';
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
  const own = checkSchedulerConfig(config, origin);
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
