/**
 * GPT-2 over token ids or over given embeddings, such as a prefix (Radford et al. 2019, "Language Models are Unsupervised
 * Multitask Learners", section 2.3; docs/reference/clip-and-gpt2.md).
 */
import * as tf from '@tensorflow/tfjs';
import Type from 'typebox';
import { DuetError } from '../core/errors.ts';
import { keyMask } from '../nn/attention-mask.ts';
import { embeddingLayer, embeddingSpec, WEIGHT_STD } from '../nn/linear.ts';
import { layerNormLayer, normSpec } from '../nn/norm.ts';
import type { Params } from '../nn/params.ts';
import { transformerBlock, transformerBlockSpec } from '../nn/transformer-block.ts';
import { continuation } from './continuation.ts';
import {
  type Extended,
  type ExtendInputs,
  embedTokens,
  type LanguageModel,
  type SequenceInputs,
} from './language-model.ts';

const size = Type.Integer({ minimum: 1 });

export const gpt2ConfigSchema = Type.Object(
  {
    vocabularySize: size,
    positions: size,
    width: size,
    layers: size,
    heads: size,
    mlpWidth: size,
    /** The published models use `tanh` (gelu_new). */
    activation: Type.Union([Type.Literal('quick'), Type.Literal('erf'), Type.Literal('tanh')]),
    epsilon: Type.Number({ exclusiveMinimum: 0 }),
  },
  { additionalProperties: false },
);

export type Gpt2Config = Type.Static<typeof gpt2ConfigSchema>;

export function gpt2Spec(config: Gpt2Config) {
  const { vocabularySize, positions, width, layers } = config;
  const std = { attention: WEIGHT_STD, fc1: WEIGHT_STD, residual: WEIGHT_STD / Math.sqrt(2 * layers) };
  return {
    /** Input embedding and, transposed, output layer. */
    tokenEmbedding: embeddingSpec(vocabularySize, width),
    positionEmbedding: embeddingSpec(positions, width),
    layers: Array.from({ length: layers }, () => transformerBlockSpec(config, std)),
    finalNorm: normSpec(width),
  };
}

export type Gpt2Params = Params<ReturnType<typeof gpt2Spec>>;

/** Embeddings [B, L, W] with their positions added. */
function addPositions(params: Gpt2Params, { embeddings, positions }: Omit<SequenceInputs, 'mask'>): tf.Tensor {
  if (positions) return tf.add(embeddings, embeddingLayer(params.positionEmbedding, positions));
  const [, length, width] = embeddings.shape as [number, number, number];
  const table = params.positionEmbedding.weight;
  if (length > table.shape[0]!) {
    throw new DuetError('invalid-argument', `The language model has ${table.shape[0]} positions, got ${length}`);
  }
  return tf.add(embeddings, tf.slice(table, [0, 0], [length, width]));
}

/**
 * The last hidden states, after the final norm: [B, L, W].
 * @throws DuetError `invalid-argument` if the sequence is longer than the position table
 */
export function gpt2(params: Gpt2Params, inputs: SequenceInputs, config: Gpt2Config): tf.Tensor {
  const mask = inputs.mask && keyMask(inputs.mask);
  let x = addPositions(params, inputs);
  for (const layer of params.layers) x = transformerBlock(layer, x, config, { causal: true, mask });
  return layerNormLayer(params.finalNorm, x, config.epsilon);
}

/** GPT-2 for decoding: adds positions to sequences whose keys and values are kept. */
export function gpt2Model(config: Gpt2Config): LanguageModel<Gpt2Params> {
  return {
    cache: { layers: config.layers, width: config.width },
    readsInParts: true,
    embed: embedTokens,
    extend: (params, inputs) => gpt2Extend(params, inputs, config),
    logits: gpt2Logits,
  };
}

function gpt2Extend(params: Gpt2Params, inputs: ExtendInputs, config: Gpt2Config): Extended {
  const { positions, mask, remember, added } = continuation(inputs);
  let x = addPositions(params, { embeddings: inputs.embeddings, positions });
  for (const [index, layer] of params.layers.entries()) {
    x = transformerBlock(layer, x, config, { mask, remember: current => remember(current, index) });
  }
  return { hidden: layerNormLayer(params.finalNorm, x, config.epsilon), added };
}

/** Hidden states [..., W] -> logits [..., V], by the tied embedding. */
export function gpt2Logits(params: Gpt2Params, hidden: tf.Tensor): tf.Tensor {
  const [vocabulary, width] = params.tokenEmbedding.weight.shape as [number, number];
  const rows = hidden.reshape([hidden.size / width, width]);
  const logits = tf.matMul(rows, params.tokenEmbedding.weight, false, true);
  return logits.reshape([...hidden.shape.slice(0, -1), vocabulary]);
}

/**
 * Mean cross entropy of the next token, a scalar.
 * @param logits [B, L, V]: position i predicts labels[i]
 * @param labels int32 [B, L]; any id where the weight is 0
 * @param weights [B, L], how much each position counts. @default 1 everywhere
 */
export function tokenLoss(logits: tf.Tensor, labels: tf.Tensor, weights?: tf.Tensor): tf.Tensor {
  const vocabulary = logits.shape.at(-1)!;
  const target = tf.oneHot(tf.cast(labels, 'int32'), vocabulary, 1, 0, 'float32');
  const losses = tf.neg(tf.sum(tf.mul(tf.logSoftmax(logits), target), -1)); // [B, L]
  return weights ? tf.div(tf.sum(tf.mul(losses, weights)), tf.sum(weights)) : tf.mean(losses);
}

/**
 * Cross entropy of each token given those before it, a scalar.
 * @param logits [B, L, V] behind each position
 * @param labels int32 [B, L], the tokens themselves
 * @param weights [B, L], how much each token counts
 */
export function nextTokenLoss(logits: tf.Tensor, labels: tf.Tensor, weights: tf.Tensor): tf.Tensor {
  const [batch, length, vocabulary] = logits.shape as [number, number, number];
  const before = tf.slice(logits, [0, 0, 0], [batch, length - 1, vocabulary]);
  const after = (tensor: tf.Tensor) => tf.slice(tensor, [0, 1], [batch, length - 1]);
  return tokenLoss(before, after(labels), after(weights));
}
