/** Multi-head self-attention with one joint projection to queries, keys and values. */
import * as tf from '@tensorflow/tfjs';
import { type AttentionOptions, attention } from '../ops/index.ts';
import { type LinearSpec, linearLayer, linearSpec } from './linear.ts';
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
