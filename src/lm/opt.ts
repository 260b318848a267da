/**
 * OPT (Zhang et al. 2022, arXiv 2205.01068; docs/reference/visual-front-ends.md): a decoder with learned positions. Weights are
 * [out, in], as in the published files, which are mapped as they are.
 */
import * as tf from '@tensorflow/tfjs';
import { DuetError } from '../core/errors.ts';
import { activate } from '../nn/activation.ts';
import type { KeyValue } from '../nn/attention.ts';
import { embeddingLayer, embeddingSpec, type LinearSpec, projectionLayer, projectionSpec } from '../nn/linear.ts';
import { layerNormLayer, type NormSpec, normSpec } from '../nn/norm.ts';
import type { Params } from '../nn/params.ts';
import { attention } from '../ops/index.ts';
import { causalMask } from './attention-mask.ts';
import { continuation } from './continuation.ts';
import {
  type Extended,
  type ExtendInputs,
  embedTokens,
  type LanguageModel,
  type SequenceInputs,
} from './language-model.ts';

export interface OptConfig {
  readonly vocabularySize: number;
  readonly positions: number;
  readonly width: number;
  readonly layers: number;
  readonly heads: number;
  readonly mlpWidth: number;
  readonly activation: 'relu' | 'erf' | 'tanh';
  /** `post`: norms stand behind the residual connections, and there is no final norm (OPT-350m). */
  readonly order: 'pre' | 'post';
  /** Width of token embeddings that linear layers lead to `width` and back (OPT-350m). @default `width` */
  readonly embeddingWidth?: number;
  /** Whether the output layer is the token embedding, transposed. */
  readonly tied: boolean;
}

const EPSILON = 1e-5;

/** The rows of the position table in front of the first position's. */
const POSITION_OFFSET = 2;

export function optSpec(config: OptConfig) {
  const { vocabularySize, positions, width, layers, order, embeddingWidth = width, tied } = config;
  const isNarrow = embeddingWidth !== width;
  return {
    tokenEmbedding: embeddingSpec(vocabularySize, embeddingWidth),
    positionEmbedding: embeddingSpec(POSITION_OFFSET + positions, width),
    ...(isNarrow && { projectIn: projectionSpec(embeddingWidth, width) }),
    layers: Array.from({ length: layers }, () => layerSpec(config)),
    ...(order === 'pre' && { finalNorm: normSpec(width) }),
    ...(isNarrow && { projectOut: projectionSpec(width, embeddingWidth) }),
    ...(!tied && { head: projectionSpec(embeddingWidth, vocabularySize) }),
  } satisfies { readonly head?: LinearSpec; readonly finalNorm?: NormSpec; readonly [part: string]: unknown };
}

function layerSpec({ width, mlpWidth }: OptConfig) {
  const square = projectionSpec(width, width, { bias: true });
  return {
    norm1: normSpec(width),
    attention: { query: square, key: square, value: square, out: square },
    norm2: normSpec(width),
    mlp: {
      fc1: projectionSpec(width, mlpWidth, { bias: true }),
      fc2: projectionSpec(mlpWidth, width, { bias: true }),
    },
  };
}

export type OptParams = Params<ReturnType<typeof optSpec>>;

/**
 * The last hidden states, after the final norm if there is one: [B, L, W].
 * @throws DuetError `invalid-argument` if the sequence is longer than the position table
 */
export function opt(params: OptParams, inputs: SequenceInputs, config: OptConfig): tf.Tensor {
  const { embeddings, mask: visible } = inputs;
  const length = embeddings.shape[1]!;
  if (!inputs.positions && length > config.positions) {
    throw new DuetError('invalid-argument', `The language model has ${config.positions} positions, got ${length}`);
  }
  const positions = inputs.positions ?? tf.range(0, length, 1, 'int32').reshape([1, length]);
  return readLayers(params, embeddings, config, { positions, mask: causalMask(length, { visible }) });
}

/** OPT for decoding: adds positions to sequences whose keys and values are kept. */
export function optModel(config: OptConfig): LanguageModel<OptParams> {
  return {
    cache: { layers: config.layers, width: config.width },
    readsInParts: true,
    embed: embedTokens,
    extend: (params, inputs) => optExtend(params, inputs, config),
    logits: optLogits,
  };
}

function optExtend(params: OptParams, inputs: ExtendInputs, config: OptConfig): Extended {
  const { added, ...own } = continuation(inputs);
  return { hidden: readLayers(params, inputs.embeddings, config, own), added };
}

/** Hidden states [..., W] -> logits [..., V]. */
function optLogits({ projectOut, head, tokenEmbedding }: OptParams, hidden: tf.Tensor): tf.Tensor {
  const narrow = projectOut ? projectionLayer(projectOut, hidden) : hidden;
  return projectionLayer(head ?? tokenEmbedding, narrow);
}

interface ReadOptions {
  /** int32 [B or 1, N] */
  readonly positions: tf.Tensor;
  /** Added to the scores, [B or 1, 1, N, keys]. */
  readonly mask: tf.Tensor;
  /** Given the keys and values of the current positions, returns those to attend to. */
  readonly remember?: (current: KeyValue, layer: number) => KeyValue;
}

/** Embeddings [B, N, W], or of the narrower width, -> [B, N, W]. */
function readLayers(
  params: OptParams,
  embeddings: tf.Tensor,
  config: OptConfig,
  { positions, mask, remember }: ReadOptions,
): tf.Tensor {
  const { projectIn, positionEmbedding, layers, finalNorm } = params;
  const rows = tf.add(positions, tf.scalar(POSITION_OFFSET, 'int32'));
  const wide = projectIn ? projectionLayer(projectIn, embeddings) : embeddings;
  let x = tf.add(wide, embeddingLayer(positionEmbedding, rows));
  for (const [index, { norm1, attention: projections, norm2, mlp }] of layers.entries()) {
    const { query, key, value, out } = projections;
    const attend = (input: tf.Tensor) => {
      const current = { key: projectionLayer(key, input), value: projectionLayer(value, input) };
      const kept = remember?.(current, index) ?? current;
      const mixed = attention(projectionLayer(query, input), kept.key, kept.value, { heads: config.heads, mask });
      return projectionLayer(out, mixed);
    };
    const perceive = (input: tf.Tensor) =>
      projectionLayer(mlp.fc2, activate(projectionLayer(mlp.fc1, input), config.activation));
    x = residual(norm1, x, config, attend);
    x = residual(norm2, x, config, perceive);
  }
  return finalNorm ? layerNormLayer(finalNorm, x, EPSILON) : x;
}

function residual(
  norm: Params<NormSpec>,
  x: tf.Tensor,
  { order }: OptConfig,
  f: (input: tf.Tensor) => tf.Tensor,
): tf.Tensor {
  if (order === 'pre') return tf.add(x, f(layerNormLayer(norm, x, EPSILON)));
  return layerNormLayer(norm, tf.add(x, f(x)), EPSILON);
}
