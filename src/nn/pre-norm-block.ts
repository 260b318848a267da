/**
 * The pre-norm transformer layer of CLIP and GPT-2: x += out(attention(q, k, v of norm1 x)); x += fc2(gelu(fc1(norm2 x))).
 * q, k and v are three matrices, also where a checkpoint stores them fused: the gradient of a slice costs more than the
 * larger product saves.
 */
import * as tf from '@tensorflow/tfjs';
import { attention, type GeluApproximation, gelu, layerNorm, linear } from '../ops/index.ts';
import { normal, ones, type Params, zeros } from './params.ts';

export interface PreNormBlockConfig {
  readonly width: number;
  readonly mlpWidth: number;
  readonly heads: number;
  readonly activation: GeluApproximation;
  readonly epsilon: number;
}

/** Standard deviations of the initial weights. */
export interface PreNormBlockStd {
  readonly attention: number;
  readonly fc1: number;
  /** The two matrices that write into the residual stream. */
  readonly residual: number;
}

const norm = (width: number) => ({ weight: ones([width]), bias: zeros([width]) });
const affine = (inputs: number, outputs: number, std: number) => ({
  weight: normal([inputs, outputs], std),
  bias: zeros([outputs]),
});

export function preNormBlockSpec({ width, mlpWidth }: PreNormBlockConfig, std: PreNormBlockStd) {
  return {
    norm1: norm(width),
    attention: {
      query: affine(width, width, std.attention),
      key: affine(width, width, std.attention),
      value: affine(width, width, std.attention),
      out: affine(width, width, std.residual),
    },
    norm2: norm(width),
    mlp: { fc1: affine(width, mlpWidth, std.fc1), fc2: affine(mlpWidth, width, std.residual) },
  };
}

export type PreNormBlockParams = Params<ReturnType<typeof preNormBlockSpec>>;

/** Keys and values of earlier positions, [B, C, D] each. */
export interface KeyValue {
  readonly key: tf.Tensor;
  readonly value: tf.Tensor;
}

export interface PreNormBlockOptions {
  readonly causal?: boolean;
  /** Added to the scores, [B or 1, 1, L or 1, keys]. */
  readonly mask?: tf.Tensor | undefined;
  /** Given the keys and values of the current positions, returns those to attend to (a cache). */
  readonly remember?: (current: KeyValue) => KeyValue;
}

/** One layer: x [B, L, D] to [B, L, D]. */
export function preNormBlock(
  params: PreNormBlockParams,
  x: tf.Tensor,
  config: PreNormBlockConfig,
  { causal = false, mask, remember }: PreNormBlockOptions = {},
): tf.Tensor {
  const { heads, epsilon, activation } = config;
  const { query, key, value, out } = params.attention;
  const normed = layerNorm(x, { ...params.norm1, epsilon });
  const current = { key: linear(normed, key.weight, key.bias), value: linear(normed, value.weight, value.bias) };
  const { key: k, value: v } = remember?.(current) ?? current;
  const q = linear(normed, query.weight, query.bias);
  const mixed = attention(q, k, v, { heads, causal, ...(mask && { mask }) });
  const attended = tf.add(x, linear(mixed, out.weight, out.bias));
  const { fc1, fc2 } = params.mlp;
  const hidden = gelu(linear(layerNorm(attended, { ...params.norm2, epsilon }), fc1.weight, fc1.bias), activation);
  return tf.add(attended, linear(hidden, fc2.weight, fc2.bias));
}

// Large enough to vanish in any fp32 softmax, small enough to be added to a causal mask without overflow.
const hidden = -1e9;

/** The additive mask [B, 1, 1, L] of key visibilities [B, L]: 1 where a key may be seen, 0 where it is hidden. */
export function keyMask(visible: tf.Tensor): tf.Tensor {
  const [batch, length] = visible.shape as [number, number];
  return tf.mul(tf.sub(1, tf.cast(visible, 'float32')), hidden).reshape([batch, 1, 1, length]);
}
