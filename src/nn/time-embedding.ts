/** Timesteps as vectors: sinusoids (Vaswani et al. 2017, section 3.5), cosines first, as in U-ViT and DDPM. */
import * as tf from '@tensorflow/tfjs';
import { silu } from '../ops/index.ts';
import { type LinearSpec, linearLayer, linearSpec } from './linear.ts';
import type { Params } from './params.ts';

/** The longest period is 2 pi times this. */
const MAX_PERIOD = 10_000;

export interface SinusoidOptions {
  /** Cosines before sines, or after them. @default true */
  readonly cosineFirst?: boolean;
  /** s of f_j. @default 0 */
  readonly frequencyShift?: number;
}

/**
 * [cos(t f_0) .. cos(t f_{h-1}), sin(t f_0) .. sin(t f_{h-1})] with f_j = 10000^(-j / (h - s)), h = floor(D / 2).
 * @param t float timesteps [B], not rescaled
 * @param width D; an odd one gets a last feature of zeros
 * @returns [B, D]
 */
export function sinusoidalEmbedding(
  t: tf.Tensor,
  width: number,
  { cosineFirst = true, frequencyShift = 0 }: SinusoidOptions = {},
): tf.Tensor {
  const half = Math.floor(width / 2);
  const rate = -Math.log(MAX_PERIOD) / (half - frequencyShift);
  const frequencies = Float32Array.from({ length: half }, (_, j) => Math.exp(rate * j));
  const angles = t
    .toFloat()
    .reshape([t.size, 1])
    .mul(tf.tensor(frequencies, [1, half], 'float32')); // [B, h]
  const parts = [angles.cos(), angles.sin()];
  const embedding = tf.concat(cosineFirst ? parts : parts.reverse(), 1);
  return width % 2 === 0 ? embedding : embedding.pad([[0, 0], [0, 1]]); // biome-ignore format: one row per axis
}

export type TimeMlpSpec = {
  readonly fc1: LinearSpec;
  readonly fc2: LinearSpec;
};

/** The optional learned map after the sinusoids: D -> 4 D -> D. */
export function timeMlpSpec(width: number): TimeMlpSpec {
  return { fc1: linearSpec(width, 4 * width), fc2: linearSpec(4 * width, width) };
}

/** Timesteps [B] -> [B, D]: sinusoids, then the perceptron when there is one. */
export function timeEmbeddingLayer(params: Params<TimeMlpSpec> | undefined, t: tf.Tensor, width: number): tf.Tensor {
  const embedding = sinusoidalEmbedding(t, width);
  return params ? linearLayer(params.fc2, silu(linearLayer(params.fc1, embedding))) : embedding;
}
