/** A call's options with their defaults, checked against the table: errors name the value and what is allowed. */
import { DuetError } from '../../../core/errors.ts';
import { type NoiseSchedule, type SolverName, solverOptions } from '../../../sampler/index.ts';
import { checkOptions, optionsOf } from '../../call-table.ts';
import type { CommonOptions } from '../../common-options.ts';
import { checkSeeds, drawSeed } from '../../seeds.ts';
import type { ModelConfig } from '../model-config.ts';
import { stagesOf } from '../sampling/index.ts';
import { type ImagineOrder, type NetworkChoice, type OwnOptions, options as schemas, standards } from './options.ts';
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
  /** What draws the pictures of captions, of calls that have this option. */
  readonly network?: NetworkChoice;
}

/** What a model says of calls. */
export type ModelDefaults = Pick<ModelConfig, 'name' | 'sampling' | 'unet'>;

/** Defaults of one kind of call, where they are not the model's. */
export type CallDefaults = Pick<CommonOptions, 'steps' | 'guidance' | 'solver'>;

/** Throws DuetError 'invalid-argument'. */
export function parseRequest<M extends CallMode>(
  mode: M,
  options: CallOptions,
  model: ModelDefaults,
  own: CallDefaults = {},
): Request & { readonly mode: M } {
  const values = valuesOf(options);
  checkOptions(values, optionsOf(schemas, calls[mode]), mode);
  const { network, order, ...defaults } = { ...defaultsOf(mode, model, values), ...own };
  const { n = defaults.n, steps = defaults.steps } = values;
  const seed = values.seed ?? drawSeed(n);
  checkSeeds(seed, n);
  const seeds = Array.from({ length: n }, (_, index) => seed + index);
  const { guidance = defaults.guidance, solver = defaults.solver, noiseSchedule = defaults.noiseSchedule } = values;
  solverOptions(solver, noiseSchedule); // refuses what does not go together
  const choices = { ...(hasOption(mode, 'order') && { order }), ...(network && { network }) };
  return { mode, seeds, steps, guidance, solver, noiseSchedule, ...choices };
}

function hasOption(mode: CallMode, option: keyof typeof schemas): boolean {
  return calls[mode].options.some(name => name === option);
}

/** Options without what steers the call from outside: signal, listener and limits of pictures. */
export function valuesOf(options: CallOptions): CommonOptions & OwnOptions {
  const { signal: _signal, onProgress: _onProgress, maxBytes: _maxBytes, maxPixels: _maxPixels, ...values } = options;
  return values;
}

/**
 * What a call takes for options that are not given, with what the model itself chooses. All stages of a call have the steps
 * and the guidance of the network that draws.
 * @throws DuetError 'invalid-argument' for a network that the model lacks
 */
export function defaultsOf(mode: CallMode, model: ModelDefaults, asked: Pick<OwnOptions, 'order' | 'network'> = {}) {
  const { sampling, unet } = model;
  const network = networkOf(mode, model, asked);
  const byUnet = network === 'unet';
  const order = asked.order ?? (byUnet ? 'text-first' : (sampling.order ?? 'together'));
  const guidance = defaultGuidance(mode, sampling, order);
  const drawing = { steps: sampling.steps, guidance, ...(byUnet && unet?.sampling) };
  return { ...standards, ...drawing, order, ...(network && { network }) };
}

/**
 * What draws the pictures of captions in this call; undefined where none are drawn, or the U-ViT alone knows the way.
 * @throws DuetError 'invalid-argument' for a network that the model lacks, or that cannot do it
 */
export function networkOf(
  mode: CallMode,
  { name, unet }: ModelDefaults,
  { network, order }: Pick<OwnOptions, 'order' | 'network'>,
): NetworkChoice | undefined {
  if (!hasOption(mode, 'network')) return undefined;
  if (network === 'unet' && !unet) {
    throw new DuetError('invalid-argument', `The model ${name} has no U-Net; leave network out, or give uvit`, {
      field: 'network',
    });
  }
  if (network === 'unet' && order === 'together') {
    throw new DuetError(
      'invalid-argument',
      'The U-Net draws what a caption says: with it order must be text-first, or left out',
      { field: 'order' },
    );
  }
  if (network) return network;
  return unet?.draws.some(own => own === mode) && order !== 'together' ? 'unet' : 'uvit';
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
