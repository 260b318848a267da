/** Normalisation layers. */
import type * as tf from '@tensorflow/tfjs';
import { groupNorm, layerNorm, rmsNorm } from '../ops/index.ts';
import { ones, type ParamSpec, type Params, zeros } from './params.ts';

/** Factor and offset per feature or channel. */
export type NormSpec = {
  readonly weight: ParamSpec;
  readonly bias: ParamSpec;
};

export function normSpec(width: number): NormSpec {
  return { weight: ones([width]), bias: zeros([width]) };
}

/** x [..., D] -> [..., D]. */
export function layerNormLayer(params: Params<NormSpec>, x: tf.Tensor, epsilon = 1e-5): tf.Tensor {
  return layerNorm(x, { weight: params.weight, bias: params.bias, epsilon });
}

/** x [B, C, H, W] -> the same shape. */
export function groupNormLayer(params: Params<NormSpec>, x: tf.Tensor, groups: number, epsilon: number): tf.Tensor {
  return groupNorm(x, { weight: params.weight, bias: params.bias, groups, epsilon });
}

/** Factor per feature. */
export type RmsNormSpec = {
  readonly weight: ParamSpec;
};

export function rmsNormSpec(width: number): RmsNormSpec {
  return { weight: ones([width]) };
}

/** x [..., D] -> [..., D]. */
export function rmsNormLayer(params: Params<RmsNormSpec>, x: tf.Tensor, epsilon: number): tf.Tensor {
  return rmsNorm(x, params.weight, epsilon);
}
