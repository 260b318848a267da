/** What Stable Diffusion needs of its networks: words and pictures to latents, predictions, and back. */
import type { CallOptions } from '../../../batching/batching-driver.ts';
import type { Pixels } from '../../../image/index.ts';

/** A latent picture, flat and row-major: [C, height, width]. */
export interface LatentImage {
  readonly data: Float32Array;
  readonly height: number;
  readonly width: number;
}

/** A picture's values in [-1, 1], flat: [3, height, width]. */
export type PictureValues = LatentImage;

/** The distribution of a picture's latent: mean and standard deviation, not scaled. */
export interface LatentDistribution {
  readonly mean: LatentImage;
  readonly std: Float32Array;
}

/** One question to the U-Net. */
export interface Evaluation {
  /** The noisy latent and, of an inpainting network, mask and masked picture below it. */
  readonly sample: LatentImage;
  readonly timestep: number;
  /** The states of a text, [L, X]. */
  readonly context: Float32Array;
  /** The scale that a distilled network is told; ignored by others. */
  readonly guidance: number;
}

export interface Networks {
  /** Channels of a latent. */
  readonly latentChannels: number;
  /** Pixels per latent pixel along one side. */
  readonly reduction: number;
  /** Texts to the states of their tokens, [L, X]. */
  encodeTexts(texts: readonly string[], options: CallOptions): Promise<Float32Array[]>;
  /** Pictures, whose sides are multiples of the reduction, to distributions of latents. */
  encodeImages(pictures: readonly PictureValues[], options: CallOptions): Promise<LatentDistribution[]>;
  /** Predictions for evaluations of any sizes, of the latents' channels. */
  predict(evaluations: readonly Evaluation[], options: CallOptions): Promise<Float32Array[]>;
  /** Latents (not scaled) to pictures. */
  decodeImages(latents: readonly LatentImage[], options: CallOptions): Promise<Pixels[]>;
  /** Frees sessions and weights. Idempotent. */
  release(): Promise<void>;
}
