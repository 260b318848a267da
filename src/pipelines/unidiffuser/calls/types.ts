/** What callers of a model pass in and get back. */
import type { Precision } from '../../../engine/index.ts';
import type { DecodeOptions, ImageInput, Picture } from '../../../image/index.ts';
import type { Mode } from '../sampling/index.ts';

/** What a call of `UniDiffuser` did: one of the seven modes, or a chain, an interpolation or an inpainting. */
export type CallMode = Mode | 'gibbs' | 'interpolate' | 'inpaint';

export type SolverName = 'dpm-multistep' | 'dpm-singlestep' | 'ddim';

/**
 * How a picture is imagined, alone or with its caption: at once, as UniDiffuser's modes joint and image have it, or its
 * caption first and then the picture of just that caption, as `textToImage` draws it with the same seed. Both sample one
 * distribution, p(x, y) = p(y) p(x | y) or its marginal; a small network may be better at the one or the other.
 */
export type ImagineOrder = 'together' | 'text-first';

/** What happens during a call, in order. Chained modes go through two stages: first the other modality, then their own. */
export type ProgressEvent =
  | {
      readonly type: 'step-progress';
      /** Network evaluations done, over all stages and chunks of the call. */
      readonly step: number;
      readonly total: number;
    }
  | {
      readonly type: 'image-preview';
      readonly step: number;
      /** How the finished pictures look from here; `seeds[i]` is the seed of `images[i]`. */
      readonly images: readonly Picture[];
      readonly seeds: readonly number[];
    };

export interface SamplingOptions {
  /** How many samples to make. @default 1 */
  readonly n?: number;
  /** Sample i is made from seed + i alone, whatever n is. @default a random seed, reported in the result */
  readonly seed?: number;
  /** Network evaluations per sample. @default the model's */
  readonly steps?: number;
  /** Guidance in diffusers' convention: 1 is off. @default the model's for this mode */
  readonly guidance?: number;
  /** What pictures should not show, where a caption is followed; needs guidance above 1. @default '', nothing */
  readonly negative?: string;
  /** @default 'dpm-multistep' */
  readonly solver?: SolverName;
  /** Of calls that run at once on one model the highest goes first; fair among equals. @default 0 */
  readonly priority?: number;
  /** Cancels between network evaluations. */
  readonly signal?: AbortSignal;
  readonly onProgress?: (event: ProgressEvent) => void;
  /** Send an `image-preview` after every so many evaluations; each costs one decoding. @default 0, none */
  readonly previewEvery?: number;
}

/** Half a pair or a whole one. */
export interface PairInput {
  readonly caption?: string;
  readonly picture?: ImageInput;
}

export interface ImagineOptions extends SamplingOptions {
  /** Text first takes twice as many steps. @default the model's */
  readonly order?: ImagineOrder;
}

export interface GibbsOptions extends SamplingOptions, DecodeOptions {
  /** How often caption and picture are drawn again from one another. @default 4 */
  readonly rounds?: number;
}

export interface InterpolateOptions extends SamplingOptions, DecodeOptions {
  /** Samples from one end to the other, both included, at least 2. @default 8 */
  readonly frames?: number;
}

export interface VaryOptions extends SamplingOptions, DecodeOptions {
  /** What the variations show. @default what the model says that the picture shows */
  readonly caption?: string;
  /** How much may change: 0 gives the autoencoder's copy of the picture, 1 keeps nothing of it. @default 1 */
  readonly strength?: number;
}

export interface InpaintOptions extends SamplingOptions, DecodeOptions {
  /** How much of what is painted anew may change, as of `VaryOptions`; not with gaps in the caption. @default 1 */
  readonly strength?: number;
}

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

export type AnySample = { readonly seed: number; readonly image?: Picture; readonly caption?: string };

/** Milliseconds of one call. */
export interface Timings {
  /** Inputs to latents. */
  readonly encode: number;
  /** Noise to latents. */
  readonly sample: number;
  /** Latents to pictures and words. */
  readonly decode: number;
  readonly total: number;
}

/** What a model makes of a caption's words. */
export interface CaptionReport {
  /** Words that the model was not trained on; it has to guess them from their letters. */
  readonly unknownWords: readonly string[];
  /** The caption has more tokens than the model reads: its end is ignored. */
  readonly cut: boolean;
  /** How many tokens it has, where the tokenizer is at hand. */
  readonly tokens?: number;
}

/** The settings of a call with all defaults filled in. */
export interface UsedSettings {
  /** The model's name. */
  readonly model: string;
  readonly steps: number;
  readonly guidance: number;
  readonly solver: SolverName;
  readonly negative?: string;
  /** Of joint sampling and of pictures alone. */
  readonly order?: ImagineOrder;
  /** Other than fp32. */
  readonly precision?: Precision;
}

export interface Result<S extends AnySample> {
  readonly mode: CallMode;
  readonly samples: readonly S[];
  readonly settings: UsedSettings;
  readonly timings: Timings;
  /** Words of the text given that the model was not trained on; it has to guess them. */
  readonly unknownWords: readonly string[];
  /** The caption given was too long and its end was ignored. */
  readonly captionCut: boolean;
}
