/**
 * Duet: one model that draws, describes and imagines.
 *
 * @example
 * import { Duet } from 'duet';
 * const model = await Duet.load('emoji');
 * const { samples } = await model.textToImage('an apple', { seed: 1 });
 */
import { load } from './pipelines/index.ts';

export { type InferenceStatus, inference } from './pipelines/index.ts';

/** The way in: `Duet.load(name or folder)`. */
export const Duet = { load } as const;

export { DuetError, type ErrorCode } from './core/errors.ts';
export type { Device, Precision } from './engine/types.ts';
export type { DecodeOptions, ImageFormat, ImageInput, Picture, Pixels } from './image/index.ts';
export type {
  AnySample,
  CallMode,
  CaptionReport,
  CaptionSample,
  GibbsOptions,
  ImageSample,
  ImagineOptions,
  ImagineOrder,
  InpaintInput,
  InpaintOptions,
  InterpolateOptions,
  LoadOptions,
  PairInput,
  PairSample,
  ProgressEvent,
  Result,
  SamplingOptions,
  SolverName,
  Timings,
  UniDiffuser,
  UsedSettings,
  VaryOptions,
} from './pipelines/index.ts';
