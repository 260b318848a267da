/** The pieces of encoder and decoder: residual block, attention, and the middle that both share. */
import * as tf from '@tensorflow/tfjs';
import { selfAttentionLayer, selfAttentionSpec } from '../nn/attention.ts';
import { type ConvSpec, convLayer, convSpec } from '../nn/conv.ts';
import { groupNormLayer, type NormSpec, normSpec } from '../nn/norm.ts';
import type { Params } from '../nn/params.ts';
import { silu } from '../ops/index.ts';

/** Of every normalisation of the autoencoder (Stable Diffusion's choice). */
const NORM_EPSILON = 1e-6;

export type ResidualBlockSpec = {
  readonly norm1: NormSpec;
  readonly conv1: ConvSpec;
  readonly norm2: NormSpec;
  readonly conv2: ConvSpec;
  /** 1 x 1, where the number of channels changes. */
  readonly shortcut?: ConvSpec;
};

export function residualBlockSpec(inputs: number, outputs: number): ResidualBlockSpec {
  return {
    norm1: normSpec(inputs),
    conv1: convSpec(inputs, outputs, 3),
    norm2: normSpec(outputs),
    conv2: convSpec(outputs, outputs, 3),
    ...(inputs === outputs ? {} : { shortcut: convSpec(inputs, outputs, 1) }),
  };
}

/** Group norm, SiLU, 3 x 3 convolution: x [B, C, H, W] -> [B, C', H, W]. */
export function normActConv(norm: Params<NormSpec>, conv: Params<ConvSpec>, x: tf.Tensor, groups: number): tf.Tensor {
  return convLayer(conv, silu(groupNormLayer(norm, x, groups, NORM_EPSILON)), { pad: 1 });
}

/** x [B, C, H, W] -> [B, C', H, W]. */
export function residualBlock(params: Params<ResidualBlockSpec>, x: tf.Tensor, groups: number): tf.Tensor {
  const h = normActConv(params.norm1, params.conv1, x, groups);
  const residual = normActConv(params.norm2, params.conv2, h, groups);
  return tf.add(params.shortcut ? convLayer(params.shortcut, x) : x, residual);
}

function attentionSpec(width: number) {
  return { norm: normSpec(width), ...selfAttentionSpec(width) };
}

type AttentionSpec = ReturnType<typeof attentionSpec>;

/** Self-attention with one head over all pixels, added to x [B, C, H, W]. */
function pixelAttention(params: Params<AttentionSpec>, x: tf.Tensor, groups: number): tf.Tensor {
  const [batch, channels, height, width] = x.shape as [number, number, number, number];
  const pixels = groupNormLayer(params.norm, x, groups, NORM_EPSILON)
    .reshape([batch, channels, height * width])
    .transpose([0, 2, 1]); // [B, H W, C]
  const mixed = selfAttentionLayer(params, pixels, { heads: 1 });
  return tf.add(x, mixed.transpose([0, 2, 1]).reshape(x.shape));
}

export type MiddleSpec = {
  readonly block1: ResidualBlockSpec;
  readonly attention?: AttentionSpec;
  readonly block2: ResidualBlockSpec;
};

export function middleSpec(width: number, hasAttention: boolean): MiddleSpec {
  return {
    block1: residualBlockSpec(width, width),
    ...(hasAttention ? { attention: attentionSpec(width) } : {}),
    block2: residualBlockSpec(width, width),
  };
}

/** x [B, C, H, W] -> the same shape. */
export function middle(params: Params<MiddleSpec>, x: tf.Tensor, groups: number): tf.Tensor {
  const h = residualBlock(params.block1, x, groups);
  return residualBlock(params.block2, params.attention ? pixelAttention(params.attention, h, groups) : h, groups);
}
