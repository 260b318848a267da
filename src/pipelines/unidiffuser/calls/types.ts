/** What callers of a model pass in and get back. */
import type { Precision } from '../../../engine/index.ts';
import type { DecodeOptions, ImageInput, Picture } from '../../../image/index.ts';
import type { NoiseSchedule } from '../../../sampler/index.ts';
import type { CommonOptions, SolverName } from '../../common-options.ts';
import type { AnySample, CallControls, CallResult, SamplingSettings } from '../../pipeline.ts';
import type { ImagineOrder, NetworkChoice, OwnOptions } from './options.ts';
import type { CallMode } from './table.ts';

/** Options of every call; src/pipelines/common-options.ts has their limits. */
export interface SamplingOptions extends CommonOptions, CallControls {}

/** Options of any call. */
export interface CallOptions extends SamplingOptions, DecodeOptions, OwnOptions {}

/** Half a pair or a whole one. */
export interface PairInput {
  readonly caption?: string;
  readonly picture?: ImageInput;
}

export interface TextToImageOptions extends SamplingOptions, Pick<OwnOptions, 'network'> {}

export interface ImagineOptions extends SamplingOptions, Pick<OwnOptions, 'order' | 'network'> {}

export interface GibbsOptions extends SamplingOptions, DecodeOptions, Pick<OwnOptions, 'rounds'> {}

export interface InterpolateOptions extends SamplingOptions, DecodeOptions, Pick<OwnOptions, 'frames'> {}

export interface VaryOptions extends SamplingOptions, DecodeOptions, Pick<OwnOptions, 'strength' | 'network'> {
  /** A caption of what the variations show. @default a caption of the picture by the model */
  readonly caption?: string;
}

/** `strength` is of what is painted anew, as of `VaryOptions`; not with gaps in the caption. */
export interface InpaintOptions extends SamplingOptions, DecodeOptions, Pick<OwnOptions, 'strength' | 'network'> {}

/** A picture or a caption with gaps; the other modality may be given whole, have gaps too, or be absent. */
export interface InpaintInput {
  /** Its central square is used. */
  readonly picture?: ImageInput;
  /**
   * What is painted anew: where the mask is transparent or, if nothing of it is transparent, where it is white. Stretched
   * over the whole picture, then cropped with it. Without a mask the picture's own transparency counts.
   */
  readonly mask?: ImageInput;
  /** A word of underscores only, such as `_`, is a gap that takes one word: "a _ to the left of a dog". */
  readonly caption?: string;
}

export interface ImageSample {
  readonly seed: number;
  readonly image: Picture;
}

export interface CaptionSample {
  readonly seed: number;
  readonly caption: string;
}

/** A picture with its words. In chained modes the other modality is the stage in between. */
export interface PairSample {
  readonly seed: number;
  readonly image: Picture;
  readonly caption: string;
}

/** The settings of a call with all defaults filled in. */
export interface UsedSettings extends SamplingSettings {
  readonly solver: SolverName;
  readonly noiseSchedule?: NoiseSchedule;
  /** The order of sampling, of joint samples and of pictures alone. */
  readonly order?: ImagineOrder;
  /** What drew the pictures, of models that have two networks for it. */
  readonly network?: NetworkChoice;
  /** Other than fp32. */
  readonly precision?: Precision;
}

/** What a call made. */
export type Result<S extends AnySample> = CallResult<S, UsedSettings, CallMode>;
