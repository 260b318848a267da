/**
 * Duet: one model that draws, describes and imagines.
 *
 * @example
 * import { Duet } from 'duet';
 * const model = await Duet.load('emoji');
 * const { samples } = await model.textToImage('an apple', { seed: 1 });
 */
import { load, loadAs } from './pipelines/index.ts';

export { type InferenceStatus, inference } from './pipelines/index.ts';

/** The way in: `Duet.load(name or folder)`; `Duet.loadAs(family, name or folder)` where one family is wanted. */
export const Duet = { load, loadAs } as const;

export { DuetError, type ErrorCode } from './core/errors.ts';
export type { Device, Precision } from './engine/types.ts';
export type { DecodeOptions, ImageFormat, ImageInput, Picture, Pixels } from './image/index.ts';
export type {
  AnySample,
  CallInputs,
  CallMode,
  CallOptions,
  CaptionReport,
  CaptionSample,
  FamilyName,
  GibbsOptions,
  ImageSample,
  ImagineOptions,
  ImagineOrder,
  InpaintInput,
  InpaintOptions,
  InterpolateOptions,
  LoadOptions,
  ModelOf,
  PairInput,
  PairSample,
  Pipeline,
  ProgressEvent,
  Result,
  SamplingOptions,
  SolverName,
  Timings,
  UniDiffuser,
  UsedSettings,
  VaryOptions,
} from './pipelines/index.ts';
