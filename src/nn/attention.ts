/** Multi-head attention with its projections: three matrices for queries, keys and values, or one joint matrix. */
import * as tf from '@tensorflow/tfjs';
import { type AttentionOptions, attention } from '../ops/index.ts';
import { type LinearSpec, linearLayer, linearSpec, WEIGHT_STD } from './linear.ts';
import type { Params } from './params.ts';

export type SelfAttentionSpec = {
  /** D -> 3 D: queries, keys, values side by side, each head-major. */
  readonly qkv: LinearSpec;
  readonly proj: LinearSpec;
};

export function selfAttentionSpec(width: number, { qkvBias = true }: { readonly qkvBias?: boolean } = {}) {
  return {
    qkv: linearSpec(width, 3 * width, { bias: qkvBias }),
    proj: linearSpec(width, width),
  } satisfies SelfAttentionSpec;
}

/** x [B, L, D] -> [B, L, D]. */
export function selfAttentionLayer(
  params: Params<SelfAttentionSpec>,
  x: tf.Tensor,
  options: AttentionOptions,
): tf.Tensor {
  const [q, k, v] = tf.split(linearLayer(params.qkv, x), 3, 2) as [tf.Tensor, tf.Tensor, tf.Tensor];
  return linearLayer(params.proj, attention(q, k, v, options));
}

/**
 * Attention whose queries, keys and values have a matrix each, also where a checkpoint stores them fused: the gradient of a
 * slice costs more than the larger product saves.
 */
export type AttentionSpec = Readonly<Record<'query' | 'key' | 'value' | 'out', LinearSpec>>;

/** Which of queries, keys and values have a bias. One of keys changes no weight of attention; some networks leave it out. */
export type AttentionBiases = 'all' | 'query-value' | 'none';

export interface AttentionSpecOptions {
  /** Width of what is attended to. @default `width` */
  readonly sourceWidth?: number;
  /** @default 'all' */
  readonly biases?: AttentionBiases | undefined;
  /** Standard deviations of the initial weights of query, key and value, and of the output. @default WEIGHT_STD */
  readonly std?: { readonly attention: number; readonly residual: number } | undefined;
}

export function attentionSpec(width: number, options: AttentionSpecOptions = {}): AttentionSpec {
  const { sourceWidth = width, biases = 'all', std = { attention: WEIGHT_STD, residual: WEIGHT_STD } } = options;
  const bias = biases !== 'none';
  return {
    query: linearSpec(width, width, { bias, std: std.attention }),
    key: linearSpec(sourceWidth, width, { bias: biases === 'all', std: std.attention }),
    value: linearSpec(sourceWidth, width, { bias, std: std.attention }),
    out: linearSpec(width, width, { std: std.residual }),
  };
}

/** Keys and values of earlier positions, [B, C, D] each. */
export interface KeyValue {
  readonly key: tf.Tensor;
  readonly value: tf.Tensor;
}

export interface AttentionLayerOptions {
  readonly heads: number;
  /** What is attended to, [B, L', S]. @default x */
  readonly source?: tf.Tensor | undefined;
  readonly causal?: boolean;
  /** Added to the scores, [B or 1, 1, L or 1, keys]. */
  readonly mask?: tf.Tensor | undefined;
  /** Given the keys and values of the source, returns those to attend to (a cache). */
  readonly remember?: ((current: KeyValue) => KeyValue) | undefined;
}

/** x [B, L, D] -> [B, L, D]. */
export function attentionLayer(
  { query, key, value, out }: Params<AttentionSpec>,
  x: tf.Tensor,
  { heads, source = x, causal = false, mask, remember }: AttentionLayerOptions,
): tf.Tensor {
  const current = { key: linearLayer(key, source), value: linearLayer(value, source) };
  const { key: k, value: v } = remember?.(current) ?? current;
  return linearLayer(out, attention(linearLayer(query, x), k, v, { heads, causal, ...(mask && { mask }) }));
}
