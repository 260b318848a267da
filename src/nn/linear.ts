/** Linear layers and embeddings. Weights are stored [in, out]. */
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
