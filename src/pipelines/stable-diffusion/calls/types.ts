/** What callers of a Stable Diffusion model pass in and get back. */
import type { Precision } from '../../../engine/index.ts';
import type { DecodeOptions, ImageInput, Picture } from '../../../image/index.ts';
import type { NoiseSchedule } from '../../../sampler/index.ts';
import type { CommonOptions } from '../../common-options.ts';
import type { CallControls, CallResult, SamplingSettings } from '../../pipeline.ts';
import type { Options } from './options.ts';
import type { StableDiffusionMode } from './table.ts';

/** Options of every call. */
export interface DrawOptions
  extends CommonOptions,
    CallControls,
    Pick<Options, 'width' | 'height' | 'guidanceRescale'> {}

/** Options of calls that are given a picture. */
export interface DrawFromOptions extends DrawOptions, DecodeOptions, Pick<Options, 'strength'> {}

export interface PaintInput {
  readonly picture: ImageInput;
  /**
   * What is painted anew: where the mask is transparent or, if nothing of it is transparent, where it is white. Stretched
   * over the whole picture, then cropped with it. Without a mask the picture's own transparency counts.
   */
  readonly mask?: ImageInput;
  /** @default nothing in particular */
  readonly prompt?: string;
}

export interface DrawnSample {
  readonly seed: number;
  readonly image: Picture;
}

/** The settings of a call with all defaults filled in. */
export interface DrawSettings extends SamplingSettings {
  /** Where it was asked for. */
  readonly noiseSchedule?: NoiseSchedule;
  readonly width: number;
  readonly height: number;
  readonly strength?: number;
  readonly guidanceRescale?: number;
  /** Other than fp32. */
  readonly precision?: Precision;
}

/** What a call made. `captionCut` tells of the prompt and of the negative prompt. */
export type DrawResult = CallResult<DrawnSample, DrawSettings, StableDiffusionMode>;
