/**
 * Attention of the U-Net over the pixels of one resolution, row by row: a transformer that also looks at a context
 * (Rombach et al., arXiv 2112.10752, section 3.3), or plain self-attention. Where Stable Diffusion 1 projects by a 1 x 1
 * convolution and version 2 by a matrix, both are the same map: here it is a matrix.
 */
import * as tf from '@tensorflow/tfjs';
import { type AttentionSpec, attentionLayer, attentionSpec } from '../nn/attention.ts';
import { type LinearSpec, linearLayer, linearSpec } from '../nn/linear.ts';
import { groupNormLayer, layerNormLayer, type NormSpec, normSpec } from '../nn/norm.ts';
import type { Params } from '../nn/params.ts';
import { gelu } from '../ops/index.ts';

/** Of the normalisation before a transformer, whatever the residual blocks have. */
const TRANSFORMER_EPSILON = 1e-6;
/** Hidden width of the perceptron, as a multiple of the width. */
const MLP_RATIO = 4;

type LayerSpec = {
  readonly norm1: NormSpec;
  readonly attn1: AttentionSpec;
  readonly norm2: NormSpec;
  readonly attn2: AttentionSpec;
  readonly norm3: NormSpec;
  /** To value and gate side by side (GEGLU: Shazeer, arXiv 2002.05202), and back. */
  readonly mlp: { readonly fc1: LinearSpec; readonly fc2: LinearSpec };
};

export type TransformerSpec = {
  readonly norm: NormSpec;
  readonly projIn: LinearSpec;
  readonly layers: LayerSpec[];
  readonly projOut: LinearSpec;
};

/** @param onlyContext whether the first attention looks at the context too, instead of at the pixels */
export function transformerSpec(
  width: number,
  { layers, contextWidth, onlyContext }: { layers: number; contextWidth: number; onlyContext: boolean },
): TransformerSpec {
  const layer = (): LayerSpec => ({
    norm1: normSpec(width),
    attn1: attentionSpec(width, { sourceWidth: onlyContext ? contextWidth : width, biases: 'none' }),
    norm2: normSpec(width),
    attn2: attentionSpec(width, { sourceWidth: contextWidth, biases: 'none' }),
    norm3: normSpec(width),
    mlp: { fc1: linearSpec(width, 2 * MLP_RATIO * width), fc2: linearSpec(MLP_RATIO * width, width) },
  });
  return {
    norm: normSpec(width),
    projIn: linearSpec(width, width),
    layers: Array.from({ length: layers }, layer),
    projOut: linearSpec(width, width),
  };
}

/** Sizes of one attention. */
export interface AttentionSizes {
  readonly heads: number;
  readonly normGroups: number;
}

/**
 * x [B, C, H, W] and context [B, L, X] -> [B, C, H, W].
 * @param onlyContext as of {@link transformerSpec}
 */
export function transformer(
  params: Params<TransformerSpec>,
  x: tf.Tensor,
  context: tf.Tensor,
  { heads, normGroups, onlyContext }: AttentionSizes & { readonly onlyContext: boolean },
): tf.Tensor {
  let tokens = linearLayer(params.projIn, toTokens(groupNormLayer(params.norm, x, normGroups, TRANSFORMER_EPSILON)));
  for (const { norm1, attn1, norm2, attn2, norm3, mlp } of params.layers) {
    const first = layerNormLayer(norm1, tokens);
    tokens = tf.add(tokens, attentionLayer(attn1, first, { heads, source: onlyContext ? context : first }));
    tokens = tf.add(tokens, attentionLayer(attn2, layerNormLayer(norm2, tokens), { heads, source: context }));
    const [value, gate] = tf.split(linearLayer(mlp.fc1, layerNormLayer(norm3, tokens)), 2, 2) as [tf.Tensor, tf.Tensor];
    tokens = tf.add(tokens, linearLayer(mlp.fc2, tf.mul(value, gelu(gate, 'erf'))));
  }
  return tf.add(x, toImage(linearLayer(params.projOut, tokens), x));
}

export type PixelAttentionSpec = AttentionSpec & { readonly norm: NormSpec };

export function pixelAttentionSpec(width: number): PixelAttentionSpec {
  return { norm: normSpec(width), ...attentionSpec(width) };
}

/** Self-attention added to x [B, C, H, W]. */
export function pixelAttention(
  params: Params<PixelAttentionSpec>,
  x: tf.Tensor,
  { heads, normGroups, normEpsilon }: AttentionSizes & { readonly normEpsilon: number },
): tf.Tensor {
  const tokens = toTokens(groupNormLayer(params.norm, x, normGroups, normEpsilon));
  return tf.add(x, toImage(attentionLayer(params, tokens, { heads }), x));
}

/** [B, C, H, W] -> [B, H W, C]. */
function toTokens(x: tf.Tensor): tf.Tensor {
  const [batch, channels, height, width] = x.shape as [number, number, number, number];
  return x.reshape([batch, channels, height * width]).transpose([0, 2, 1]);
}

/** [B, H W, C] -> the shape [B, C, H, W] of `x`. */
function toImage(tokens: tf.Tensor, x: tf.Tensor): tf.Tensor {
  return tokens.transpose([0, 2, 1]).reshape(x.shape);
}
