/**
 * The transformer layer with learned norms in two orders, and the parts that it is made of: attention and a perceptron, each
 * with its norm and its residual connection. `pre` (CLIP, GPT-2, every vision transformer) is x += f(norm x), `post` (BERT;
 * Vaswani et al. 2017) is x = norm(x + f x). Networks whose layers have more parts, such as cross-attention or a perceptron for
 * each kind of token, put them together themselves.
 */
import * as tf from '@tensorflow/tfjs';
import type { Activation } from './activation.ts';
import {
  type AttentionBiases,
  type AttentionLayerOptions,
  type AttentionSpec,
  attentionLayer,
  attentionSpec,
} from './attention.ts';
import { linearSpec, WEIGHT_STD } from './linear.ts';
import { type MlpSpec, mlpLayer } from './mlp.ts';
import { layerNormLayer, type NormSpec, normSpec } from './norm.ts';
import type { Params } from './params.ts';

export interface TransformerBlockConfig {
  readonly width: number;
  readonly mlpWidth: number;
  readonly heads: number;
  readonly activation: Activation;
  readonly epsilon: number;
  /** @default 'pre' */
  readonly order?: 'pre' | 'post' | undefined;
  /** @default 'all' */
  readonly biases?: AttentionBiases | undefined;
}

/** Standard deviations of the initial weights. */
export interface TransformerBlockStd {
  readonly attention: number;
  readonly fc1: number;
  /** The two matrices that write into the residual stream. */
  readonly residual: number;
}

const defaultStd: TransformerBlockStd = { attention: WEIGHT_STD, fc1: WEIGHT_STD, residual: WEIGHT_STD };

export type TransformerBlockSpec = {
  readonly norm1: NormSpec;
  readonly attention: AttentionSpec;
  readonly norm2: NormSpec;
  readonly mlp: MlpSpec;
};

export function transformerBlockSpec(
  { width, mlpWidth, biases }: TransformerBlockConfig,
  std = defaultStd,
): TransformerBlockSpec {
  return {
    norm1: normSpec(width),
    attention: attentionSpec(width, { biases, std }),
    norm2: normSpec(width),
    mlp: {
      fc1: linearSpec(width, mlpWidth, { std: std.fc1 }),
      fc2: linearSpec(mlpWidth, width, { std: std.residual }),
    },
  };
}

export type BlockOptions = Omit<AttentionLayerOptions, 'heads' | 'source'>;

/** One layer: x [B, L, D] to [B, L, D]. */
export function transformerBlock(
  { norm1, attention, norm2, mlp }: Params<TransformerBlockSpec>,
  x: tf.Tensor,
  config: TransformerBlockConfig,
  options: BlockOptions = {},
): tf.Tensor {
  return feedForwardPart({ norm: norm2, mlp }, attentionPart({ norm: norm1, attention }, x, config, options), config);
}

export type AttentionPartSpec = { readonly norm: NormSpec; readonly attention: AttentionSpec };

/** Attention of x [B, L, D] to itself or, where `source` is given, to that as it is, with norm and residual: [B, L, D]. */
export function attentionPart(
  { norm, attention }: Params<AttentionPartSpec>,
  x: tf.Tensor,
  config: TransformerBlockConfig,
  options: Omit<AttentionLayerOptions, 'heads'> = {},
): tf.Tensor {
  return residual(norm, x, config, input => attentionLayer(attention, input, { heads: config.heads, ...options }));
}

export type FeedForwardPartSpec = { readonly norm: NormSpec; readonly mlp: MlpSpec };

/** The perceptron of x [B, L, D] with norm and residual: [B, L, D]. */
export function feedForwardPart(
  { norm, mlp }: Params<FeedForwardPartSpec>,
  x: tf.Tensor,
  config: TransformerBlockConfig,
): tf.Tensor {
  return residual(norm, x, config, input => mlpLayer(mlp, input, config.activation));
}

function residual(
  norm: Params<NormSpec>,
  x: tf.Tensor,
  { order = 'pre', epsilon }: TransformerBlockConfig,
  f: (input: tf.Tensor) => tf.Tensor,
): tf.Tensor {
  if (order === 'pre') return tf.add(x, f(layerNormLayer(norm, x, epsilon)));
  return layerNormLayer(norm, tf.add(x, f(x)), epsilon);
}
