/** What callers of a model pass in and get back. */
import type { Picture } from '../image/index.ts';
import type { Mode } from '../sampler/index.ts';

export type SolverName = 'dpm-multistep' | 'dpm-singlestep' | 'ddim';

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
  /** @default 'dpm-multistep' */
  readonly solver?: SolverName;
  /** Cancels between network evaluations. */
  readonly signal?: AbortSignal;
  readonly onProgress?: (event: ProgressEvent) => void;
  /** Send an `image-preview` after every so many evaluations; each costs one decoding. @default 0, none */
  readonly previewEvery?: number;
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
}

export interface Result<S extends AnySample> {
  readonly mode: Mode;
  readonly samples: readonly S[];
  readonly timings: Timings;
  /** Words of the text given that the model was not trained on; it has to guess them. */
  readonly unknownWords: readonly string[];
  /** The caption given was too long and its end was ignored. */
  readonly captionCut: boolean;
}
