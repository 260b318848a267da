/** A call's options with their defaults, checked against the table: errors name the value and what is allowed. */
import { DuetError } from '../../../core/errors.ts';
import { type NoiseSchedule, type SolverName, type SolverOptions, solverOptions } from '../../../sampler/index.ts';
import { checkOptions, optionsOf } from '../../call-table.ts';
import type { CommonOptions } from '../../common-options.ts';
import { checkSeeds, drawSeed } from '../../seeds.ts';
import type { ModelConfig } from '../model-config.ts';
import { stagesOf } from '../sampling/index.ts';
import { type ImagineOrder, type OwnOptions, options as schemas, standards } from './options.ts';
import { type CallMode, calls } from './table.ts';
import type { CallOptions } from './types.ts';

export interface Request {
  readonly mode: CallMode;
  readonly seeds: readonly number[];
  readonly steps: number;
  readonly guidance: number;
  readonly solver: SolverName;
  readonly noiseSchedule: NoiseSchedule;
  /** Of calls that have this option. */
  readonly order?: ImagineOrder;
}

/** What a request's solver does with a model's predictions. */
export function solverOf(
  { solver, noiseSchedule }: Pick<Request, 'solver' | 'noiseSchedule'>,
  { prediction }: ModelConfig['diffusion'],
): SolverOptions {
  const options = solverOptions(solver, noiseSchedule);
  return options.kind === 'pndm' && prediction === 'v' ? { ...options, combines: 'v' } : options;
}

/** Defaults of one kind of call, where they are not the model's. */
export type CallDefaults = Pick<CommonOptions, 'guidance' | 'solver'>;

/** Throws DuetError 'invalid-argument'. */
export function parseRequest<M extends CallMode>(
  mode: M,
  options: CallOptions,
  sampling: ModelConfig['sampling'],
  own: CallDefaults = {},
): Request & { readonly mode: M } {
  const values = valuesOf(options);
  checkOptions(values, optionsOf(schemas, calls[mode]), mode);
  const defaults = { ...defaultsOf(mode, sampling, values.order), ...own };
  const { n = defaults.n, steps = defaults.steps } = values;
  const seed = values.seed ?? drawSeed(n);
  checkSeeds(seed, n);
  const seeds = Array.from({ length: n }, (_, index) => seed + index);
  const { guidance = defaults.guidance, solver = defaults.solver, noiseSchedule = defaults.noiseSchedule } = values;
  solverOptions(solver, noiseSchedule); // refuses what does not go together
  const hasOrder = calls[mode].options.some(name => name === 'order');
  return { mode, seeds, steps, guidance, solver, noiseSchedule, ...(hasOrder && { order: defaults.order }) };
}

/** Options without what steers the call from outside: signal, listener and limits of pictures. */
export function valuesOf(options: CallOptions): CommonOptions & OwnOptions {
  const { signal: _signal, onProgress: _onProgress, maxBytes: _maxBytes, maxPixels: _maxPixels, ...values } = options;
  return values;
}

/** What a call takes for options that are not given, with what the model itself chooses. */
export function defaultsOf(mode: CallMode, sampling: ModelConfig['sampling'], asked?: ImagineOrder) {
  const order = asked ?? sampling.order ?? 'together';
  return { ...standards, steps: sampling.steps, order, guidance: defaultGuidance(mode, sampling, order) };
}

/** Both stages of a chain have the guidance of the last one, which makes the requested modality. */
function defaultGuidance(mode: CallMode, { guidance }: ModelConfig['sampling'], order: ImagineOrder): number {
  if ((mode === 'joint' || mode === 'i') && order === 'text-first') return guidance.t2i;
  const last = mode === 'interpolate' || mode === 'inpaint' || mode === 'gibbs' ? 't2i' : stagesOf(mode).at(-1);
  return last === 't2i' || last === 'i2t' || last === 'joint' ? guidance[last] : 1;
}

/** Throws DuetError 'invalid-argument' if `n` times what each of them makes is too much for one call. */
export function requireSamples(name: 'rounds' | 'frames', n: number, each: number, most: number): void {
  if (n * each <= most) return;
  throw new DuetError('invalid-argument', `n x ${name} must be at most ${most}, got ${n * each}`, { field: name });
}
