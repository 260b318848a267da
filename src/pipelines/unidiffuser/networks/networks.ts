/** What a UniDiffuser pipeline needs of its networks: pictures and words to normalised latents, predictions, and back. */
import type { CallOptions } from '../../../batching/batching-driver.ts';
import type { Pixels } from '../../../image/index.ts';
import type { CaptionTemplate } from '../../../lm/index.ts';
import type { Networks as DiffusionNetworks } from '../../stable-diffusion/networks/networks.ts';
import type { Evaluation, ImageLatents, KnownPart, LatentShapes, Prediction } from '../sampling/index.ts';

/**
 * A U-Net beside the U-ViT: `encodeTexts` makes what it looks at, the states of CLIP's text tower [L, X] at all L positions;
 * latents are normalised.
 */
export type UnetNetworks = Pick<DiffusionNetworks, 'encodeTexts' | 'predict'>;

export interface Networks {
  /** Shapes of one sample's latents, without the batch. */
  readonly shapes: LatentShapes;
  /** Captions to text latents. */
  encodeTexts(texts: readonly string[], options: CallOptions): Promise<Float32Array[]>;
  /** States of CLIP's text tower [L, X], at all L positions, to text latents. */
  encodeStates(states: readonly Float32Array[], options: CallOptions): Promise<Float32Array[]>;
  /** Square pictures of the model's size to latents and CLIP embeddings. */
  encodeImages(pictures: readonly Pixels[], options: CallOptions): Promise<ImageLatents[]>;
  /** Predictions for a sampler's evaluation requests. */
  predict(evaluations: readonly Evaluation[], options: CallOptions): Promise<Prediction[]>;
  /** Image latents to pictures. */
  decodeImages(latents: readonly Float32Array[], options: CallOptions): Promise<Pixels[]>;
  /** Text latents to captions. */
  decodeTexts(latents: readonly Float32Array[], options: CallOptions): Promise<string[]>;
  /** Text latents of a caption with gaps, as far as they are known: those of the words around the gaps. */
  encodeTemplate(template: CaptionTemplate, options: CallOptions): Promise<KnownPart>;
  /** Text latents to captions that fill the gaps of `template`. */
  fillTemplate(latents: readonly Float32Array[], template: CaptionTemplate, options: CallOptions): Promise<string[]>;
  /** Of models that have one. */
  readonly unet?: UnetNetworks;
  /** Frees sessions and weights. Idempotent. */
  release(): Promise<void>;
}
