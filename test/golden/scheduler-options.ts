/**
 * The arguments of the recorded solvers as options of ours; undefined where we have no such solver or option. Arguments
 * left out have the recorded library's defaults.
 */
import type {
  BetaOptions,
  DdimOptions,
  MultistepOptions,
  PredictionType,
  SinglestepOptions,
} from '../../src/sampler/index.ts';

/** Arguments of a scheduler class of diffusers, all of them or those that differ from its defaults. */
export type Kwargs = Readonly<Record<string, unknown>>;

const TRAINING = ['num_train_timesteps', 'beta_start', 'beta_end', 'beta_schedule', 'prediction_type'];

/** What a scheduler_config.json holds besides and what changes nothing unless another argument is switched on. */
const IDLE = [
  '_class_name',
  '_diffusers_version',
  'dynamic_thresholding_ratio',
  'sample_max_value',
  'flow_shift',
  'time_shift_type',
  'skip_prk_steps',
];

/** True if every argument that is switched on is one of `known`. */
function knows(kwargs: Kwargs, known: readonly string[]): boolean {
  const off = new Set<unknown>([undefined, null, false, Number.NEGATIVE_INFINITY]);
  const names = [...TRAINING, ...IDLE, ...known];
  return Object.entries(kwargs).every(([name, value]) => off.has(value) || names.includes(name));
}

/** `options` without what is undefined. */
function defined<T extends object>(options: { [K in keyof T]: T[K] | undefined }): T {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as T;
}

export function betasOf(kwargs: Kwargs): BetaOptions {
  return defined<BetaOptions>({
    schedule: kwargs['beta_schedule'] as BetaOptions['schedule'],
    start: kwargs['beta_start'] as number | undefined,
    end: kwargs['beta_end'] as number | undefined,
    count: kwargs['num_train_timesteps'] as number | undefined,
  });
}

export function predictionOf(kwargs: Kwargs): PredictionType | undefined {
  const types: Record<string, PredictionType> = { epsilon: 'epsilon', v_prediction: 'v', sample: 'sample' };
  return types[String(kwargs['prediction_type'] ?? 'epsilon')];
}

/** The original UniDiffuser's DPM_Solver.sample. */
export function singlestepOptions(config: Kwargs): SinglestepOptions | undefined {
  const grids: Record<string, SinglestepOptions['grid']> = {
    time_uniform: 'time',
    time_quadratic: 'quadratic',
    logSNR: 'log-snr',
  };
  const methods: Record<string, SinglestepOptions['method']> = { fast: 'fast', singlestep: 'fixed' };
  const grid = grids[String(config['skip_type'] ?? 'time_uniform')];
  const method = methods[String(config['method'] ?? 'fast')];
  if (!grid || !method || config['thresholding'] === true) return undefined;
  const order = (config['order'] ?? 3) as 1 | 2 | 3;
  return { kind: 'dpm-singlestep', order, method, grid, denoise: config['denoise'] === true };
}

const MULTISTEP = [
  'solver_order',
  'timestep_spacing',
  'steps_offset',
  'use_karras_sigmas',
  'use_lu_lambdas',
  'use_exponential_sigmas',
  'final_sigmas_type',
  'lower_order_final',
  'euler_at_final',
  'solver_type',
  'algorithm_type',
];

/** DPMSolverMultistepScheduler. */
export function multistepOptions(kwargs: Kwargs): MultistepOptions | undefined {
  const algorithm = String(kwargs['algorithm_type'] ?? 'dpmsolver++');
  // diffusers' stochastic step of order 3 has a wrong sign in its last term; ours stops at order 2.
  const badSde = algorithm === 'sde-dpmsolver++' && kwargs['solver_order'] === 3;
  if (!knows(kwargs, MULTISTEP) || algorithm === 'sde-dpmsolver' || badSde) return undefined;
  const logSnr = kwargs['use_lu_lambdas'] === true || kwargs['use_exponential_sigmas'] === true;
  const levels = kwargs['use_karras_sigmas'] === true ? 'karras' : logSnr ? 'log-snr' : undefined;
  return defined<MultistepOptions>({
    kind: 'dpm-multistep',
    order: kwargs['solver_order'] as MultistepOptions['order'],
    spacing: levels ?? (kwargs['timestep_spacing'] as MultistepOptions['spacing']),
    stepsOffset: kwargs['steps_offset'] as number | undefined,
    finalSigma: kwargs['final_sigmas_type'] === 'sigma_min' ? 'min' : 'zero',
    lowerOrderFinal: kwargs['lower_order_final'] as boolean | undefined,
    eulerAtFinal: kwargs['euler_at_final'] as boolean | undefined,
    variant: kwargs['solver_type'] as MultistepOptions['variant'],
    algorithm: algorithm === 'dpmsolver' ? 'dpmsolver' : 'dpmsolver++',
    stochastic: algorithm === 'sde-dpmsolver++',
  });
}

const DDIM = ['timestep_spacing', 'steps_offset', 'set_alpha_to_one', 'clip_sample', 'clip_sample_range'];

/** DDIMScheduler; `eta` is an argument of its step. */
export function ddimOptions(kwargs: Kwargs, eta: unknown): DdimOptions | undefined {
  if (!knows(kwargs, DDIM)) return undefined;
  return defined<DdimOptions>({
    kind: 'ddim',
    eta: eta as number | undefined,
    spacing: kwargs['timestep_spacing'] as DdimOptions['spacing'],
    stepsOffset: kwargs['steps_offset'] as number | undefined,
    finalSigma: kwargs['set_alpha_to_one'] === false ? 'min' : 'zero',
    clip: kwargs['clip_sample'] === false ? undefined : ((kwargs['clip_sample_range'] ?? 1) as number),
  });
}
