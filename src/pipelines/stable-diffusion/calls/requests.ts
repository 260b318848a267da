/** A call's options with their defaults, checked against the table. */
import type { NoiseSchedule, Scheduler, SchedulerChoice } from '../../../sampler/index.ts';
import { checkOptions, optionsOf } from '../../call-table.ts';
import { checkSeeds, drawSeed } from '../../seeds.ts';
import { defaultsOf } from '../defaults.ts';
import type { StableDiffusionConfig } from '../model-config.ts';
import { pipelineScheduler } from '../scheduler.ts';
import { type Options, options as schemas } from './options.ts';
import { calls, type StableDiffusionMode } from './table.ts';
import type { DrawFromOptions } from './types.ts';

export interface Request {
  readonly seeds: readonly number[];
  readonly steps: number;
  readonly guidance: number;
  /** The solver's name, and what it means for this model. */
  readonly solver: string;
  readonly scheduler: Scheduler;
  /** Where it is asked for. */
  readonly noiseSchedule: NoiseSchedule | undefined;
  readonly strength: number;
  readonly guidanceRescale: number;
  /** What is asked for; a picture that is given has a size too. */
  readonly width: number | undefined;
  readonly height: number | undefined;
}

/** How a model samples in one mode. */
export interface SamplingRules {
  /** Where options are not given. */
  readonly defaults: Required<Pick<Options, 'n' | 'steps' | 'guidance' | 'solver' | 'strength' | 'guidanceRescale'>>;
  /** What the model has, with what is chosen instead. */
  readonly schedulerOf: (choice: SchedulerChoice) => Scheduler;
}

/** As a folder of diffusers says. @throws DuetError 'invalid-config' if its scheduler is not known */
export function folderRules(mode: StableDiffusionMode, config: StableDiffusionConfig): SamplingRules {
  return {
    defaults: defaultsOf(mode, config, config.name),
    schedulerOf: choice => pipelineScheduler(config.scheduler, mode, `${config.name}/scheduler`, choice),
  };
}

/** Throws DuetError 'invalid-argument'. */
export function parseRequest(
  mode: StableDiffusionMode,
  options: DrawFromOptions,
  { defaults, schedulerOf }: SamplingRules,
): Request {
  const values = valuesOf(options);
  checkOptions(values, optionsOf(schemas, calls[mode]), mode);
  const { n: count = defaults.n, seed = drawSeed(count), solver, noiseSchedule } = values;
  checkSeeds(seed, count);
  // Nothing chosen: the model's own scheduler, whatever it is in detail.
  const choice = { ...(solver !== undefined && solver !== defaults.solver && { solver }), noiseSchedule };
  return {
    seeds: Array.from({ length: count }, (_, index) => seed + index),
    steps: values.steps ?? defaults.steps,
    guidance: values.guidance ?? defaults.guidance,
    solver: solver ?? defaults.solver,
    scheduler: schedulerOf(choice),
    noiseSchedule,
    strength: values.strength ?? defaults.strength,
    guidanceRescale: values.guidanceRescale ?? defaults.guidanceRescale,
    width: values.width,
    height: values.height,
  };
}

/** Options without what steers the call from outside: signal, listener and limits of pictures. */
export function valuesOf(options: DrawFromOptions): Options {
  const { signal: _s, onProgress: _p, maxBytes: _b, maxPixels: _x, timeoutMs: _t, ...values } = options;
  return values;
}
