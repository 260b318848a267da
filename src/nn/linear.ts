/** Linear layers and embeddings. Weights are stored [in, out], but for projections. */
import * as tf from '@tensorflow/tfjs';
import { linear } from '../ops/index.ts';
import { normal, type ParamSpec, type Params, truncNormal, zeros } from './params.ts';

/** The usual spread of transformer weights (U-ViT, GPT-2, CLIP). */
export const WEIGHT_STD = 0.02;

export type LinearSpec = {
  readonly weight: ParamSpec;
  readonly bias?: ParamSpec;
};

/** A layer from `inputs` to `outputs` features; `std` is the spread of the initial weights. */
export function linearSpec(
  inputs: number,
  outputs: number,
  { bias = true, std = WEIGHT_STD }: { readonly bias?: boolean; readonly std?: number } = {},
): LinearSpec {
  const weight = truncNormal([inputs, outputs], std);
  return bias ? { weight, bias: zeros([outputs]) } : { weight };
}

/** x [..., in] -> [..., out]. */
export function linearLayer(params: Params<LinearSpec>, x: tf.Tensor): tf.Tensor {
  return linear(x, params.weight, params.bias);
}

/**
 * A linear layer whose weight is [out, in], as torch stores it: what is too large to be converted is mapped where it lies.
 * `std` is the spread of the initial weights.
 */
export function projectionSpec(
  inputs: number,
  outputs: number,
  { bias = false, std = WEIGHT_STD }: { readonly bias?: boolean; readonly std?: number } = {},
): LinearSpec {
  const weight = normal([outputs, inputs], std);
  return bias ? { weight, bias: zeros([outputs]) } : { weight };
}

/** x [..., in] -> [..., out]. */
export function projectionLayer({ weight, bias }: Params<LinearSpec>, x: tf.Tensor): tf.Tensor {
  const [outputs, inputs] = weight.shape as [number, number];
  const product = tf.matMul(x.reshape([x.size / inputs, inputs]), weight, false, true);
  return (bias ? tf.add(product, bias) : product).reshape([...x.shape.slice(0, -1), outputs]);
}

export type EmbeddingSpec = {
  readonly weight: ParamSpec;
};

/** A table of `count` vectors. */
export function embeddingSpec(count: number, width: number, std = WEIGHT_STD): EmbeddingSpec {
  return { weight: normal([count, width], std) };
}

/** ids int32 [...] -> vectors [..., D]. */
export function embeddingLayer(params: Params<EmbeddingSpec>, ids: tf.Tensor): tf.Tensor {
  return tf.gather(params.weight, ids.toInt());
}
