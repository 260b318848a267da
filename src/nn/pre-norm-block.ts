/**
 * The pre-norm transformer layer of CLIP and GPT-2: x += out(attention(q, k, v of norm1 x)); x += fc2(gelu(fc1(norm2 x))).
 * q, k and v are three matrices, also where a checkpoint stores them fused: the gradient of a slice costs more than the
 * larger product saves.
 */
import * as tf from '@tensorflow/tfjs';
import { attention, type GeluApproximation } from '../ops/index.ts';
import { type LinearSpec, linearLayer, linearSpec } from './linear.ts';
import { type MlpSpec, mlpLayer } from './mlp.ts';
import { layerNormLayer, type NormSpec, normSpec } from './norm.ts';
import type { Params } from './params.ts';

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

export type PreNormBlockSpec = {
  readonly norm1: NormSpec;
  readonly attention: Readonly<Record<'query' | 'key' | 'value' | 'out', LinearSpec>>;
  readonly norm2: NormSpec;
  readonly mlp: MlpSpec;
};

export function preNormBlockSpec({ width, mlpWidth }: PreNormBlockConfig, std: PreNormBlockStd): PreNormBlockSpec {
  const projection = linearSpec(width, width, { std: std.attention });
  return {
    norm1: normSpec(width),
    attention: {
      query: projection,
      key: projection,
      value: projection,
      out: linearSpec(width, width, { std: std.residual }),
    },
    norm2: normSpec(width),
    mlp: {
      fc1: linearSpec(width, mlpWidth, { std: std.fc1 }),
      fc2: linearSpec(mlpWidth, width, { std: std.residual }),
    },
  };
}

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
  params: Params<PreNormBlockSpec>,
  x: tf.Tensor,
  { heads, epsilon, activation }: PreNormBlockConfig,
  { causal = false, mask, remember }: PreNormBlockOptions = {},
): tf.Tensor {
  const { query, key, value, out } = params.attention;
  const normed = layerNormLayer(params.norm1, x, epsilon);
  const current = { key: linearLayer(key, normed), value: linearLayer(value, normed) };
  const { key: k, value: v } = remember?.(current) ?? current;
  const mixed = attention(linearLayer(query, normed), k, v, { heads, causal, ...(mask && { mask }) });
  const attended = tf.add(x, linearLayer(out, mixed));
  return tf.add(attended, mlpLayer(params.mlp, layerNormLayer(params.norm2, attended, epsilon), activation));
}

// Large enough to vanish in any fp32 softmax, small enough to be added to a causal mask without overflow.
const hidden = -1e9;

/** The additive mask [B, 1, 1, L] of key visibilities [B, L]: 1 where a key may be seen, 0 where it is hidden. */
export function keyMask(visible: tf.Tensor): tf.Tensor {
  const [batch, length] = visible.shape as [number, number];
  return additiveMask(visible).reshape([batch, 1, 1, length]);
}

/** What is added to scores: 0 where `visible` is 1 or true, a large negative number elsewhere. Of the same shape. */
export function additiveMask(visible: tf.Tensor): tf.Tensor {
  return tf.mul(tf.sub(1, tf.cast(visible, 'float32')), hidden);
}
