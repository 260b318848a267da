/**
 * T5 (Raffel et al. 2020, arXiv 1910.10683, section 2.1) and its kin, Flan-T5 among them: an encoder reads the prompt, a decoder
 * attends to it and writes. Scores are not scaled, and get a bias for each distance; norms have no mean. Weights are [out, in], as in
 * the published files, which are mapped as they are.
 */
import * as tf from '@tensorflow/tfjs';
import { type Activation, activate } from '../nn/activation.ts';
import type { KeyValue } from '../nn/attention.ts';
import { additiveMask } from '../nn/attention-mask.ts';
import { type EmbeddingSpec, embeddingSpec, type LinearSpec, projectionLayer, projectionSpec } from '../nn/linear.ts';
import { type RmsNormSpec, rmsNormLayer, rmsNormSpec } from '../nn/norm.ts';
import type { Params } from '../nn/params.ts';
import { attention } from '../ops/index.ts';
import { extensionMask } from './attention-mask.ts';
import { concatKeyValue, type KeyValueCache } from './key-value-cache.ts';
import { type Extended, type ExtendInputs, embedTokens, type LanguageModel } from './language-model.ts';
import { relativeBias } from './relative-bias.ts';

export interface T5Config {
  readonly vocabularySize: number;
  readonly width: number;
  readonly encoderLayers: number;
  readonly decoderLayers: number;
  readonly heads: number;
  readonly headWidth: number;
  readonly mlpWidth: number;
  readonly activation: Activation;
  /** Whether the perceptron's hidden values are opened by others (T5 1.1, Flan-T5). */
  readonly gated: boolean;
  readonly epsilon: number;
  /** Kinds of distances, and the distance from which on all are of one kind. */
  readonly buckets: number;
  readonly maxDistance: number;
  /** Whether the output layer is the token embedding, transposed. */
  readonly tied: boolean;
  /** Whether states are divided by sqrt(width) before the output layer: the first T5. */
  readonly scaled: boolean;
  /** The token that an answer begins with. */
  readonly startId: number;
}

export function t5Spec(config: T5Config) {
  const { vocabularySize, width, encoderLayers, decoderLayers, heads, buckets, tied } = config;
  const stack = <L>(layers: readonly L[]) => ({
    /** Of each kind of distance and head. */
    distances: embeddingSpec(buckets, heads),
    layers,
    finalNorm: rmsNormSpec(width),
  });
  const head: { readonly head?: LinearSpec } = tied ? {} : { head: projectionSpec(width, vocabularySize) };
  return {
    tokenEmbedding: embeddingSpec(vocabularySize, width),
    encoder: stack(Array.from({ length: encoderLayers }, () => layerSpec(config))),
    decoder: stack(
      Array.from({ length: decoderLayers }, () => ({ ...layerSpec(config), cross: attentionPartSpec(config) })),
    ),
    ...head,
  };
}

function layerSpec(config: T5Config) {
  const { width, mlpWidth, gated } = config;
  const gate: { readonly gate?: LinearSpec } = gated ? { gate: projectionSpec(width, mlpWidth) } : {};
  return {
    self: attentionPartSpec(config),
    mlp: {
      norm: rmsNormSpec(width),
      ...gate,
      up: projectionSpec(width, mlpWidth),
      down: projectionSpec(mlpWidth, width),
    },
  };
}

function attentionPartSpec({ width, heads, headWidth }: T5Config) {
  const inner = heads * headWidth;
  const into = projectionSpec(width, inner);
  return { norm: rmsNormSpec(width), query: into, key: into, value: into, out: projectionSpec(inner, width) };
}

export type T5Params = Params<ReturnType<typeof t5Spec>>;
type AttentionPart = Params<ReturnType<typeof attentionPartSpec>>;
type MlpPart = Params<{
  readonly norm: RmsNormSpec;
  readonly gate?: LinearSpec;
  readonly up: LinearSpec;
  readonly down: LinearSpec;
}>;

/**
 * T5 for decoding. Of a position of the prompt the cache holds the keys and values of cross-attention, of a position of the answer
 * those of self-attention: both are as wide.
 */
export function t5Model(config: T5Config): LanguageModel<T5Params> {
  return {
    cache: { layers: config.decoderLayers, width: config.heads * config.headWidth },
    readsInParts: false,
    embed: embedTokens,
    encoder: { startId: config.startId, encode: (params, embeddings) => encode(params, embeddings, config) },
    extend: (params, inputs) => decode(params, inputs, config),
    logits: ({ head, tokenEmbedding }, hidden) =>
      projectionLayer(head ?? tokenEmbedding, config.scaled ? tf.mul(hidden, config.width ** -0.5) : hidden),
  };
}

/** [B, N, W] -> keys and values of cross-attention, [B, N, ...] for each layer of the decoder. */
function encode({ encoder, decoder }: T5Params, embeddings: tf.Tensor, config: T5Config): KeyValueCache {
  const length = embeddings.shape[1]!;
  const places = tf.range(0, length, 1, 'int32');
  const distances = tf.sub(places.reshape([1, 1, length]), places.reshape([1, length, 1]));
  const bias = biasOf(encoder.distances, distances, config, { bothWays: true });
  let x = embeddings;
  for (const { self, mlp } of encoder.layers) {
    const normed = rmsNormLayer(self.norm, x, config.epsilon);
    x = attend(self, x, { normed, kept: keyValue(self, normed), mask: bias, config });
    x = perceive(mlp, x, config);
  }
  const states = rmsNormLayer(encoder.finalNorm, x, config.epsilon);
  return decoder.layers.map(({ cross }) => keyValue(cross, states));
}

function decode({ decoder }: T5Params, inputs: ExtendInputs, config: T5Config): Extended {
  const { embeddings, past, pastLengths, promptLengths } = inputs;
  if (!promptLengths) throw new RangeError('A model with an encoder needs the lengths of the prompts');
  const [batch, length] = embeddings.shape as [number, number];
  const cached = past[0]!.key.shape[1]!;
  const places = tf.range(0, cached, 1, 'int32').reshape([1, cached]);
  const isPrompt = tf.less(places, promptLengths.reshape([batch, 1])); // [B, P]
  const promptMask = additiveMask(isPrompt).reshape([batch, 1, 1, cached]);
  // Self-attention sees of what is cached the answer alone.
  const ownOnly = tf.concat([additiveMask(tf.logicalNot(isPrompt)), tf.zeros([batch, length])], 1);
  const visible = tf.add(extensionMask(pastLengths, cached, length), ownOnly.reshape([batch, 1, 1, cached + length]));
  const mask = tf.add(visible, biasOf(decoder.distances, answerDistances(inputs), config, { bothWays: false }));
  const added: KeyValue[] = [];
  let x = embeddings;
  for (const [index, { self, cross, mlp }] of decoder.layers.entries()) {
    const normed = rmsNormLayer(self.norm, x, config.epsilon);
    const current = keyValue(self, normed);
    added.push(current);
    x = attend(self, x, { normed, kept: concatKeyValue(past[index]!, current), mask, config });
    const asking = rmsNormLayer(cross.norm, x, config.epsilon);
    x = attend(cross, x, { normed: asking, kept: past[index]!, mask: promptMask, config });
    x = perceive(mlp, x, config);
  }
  return { hidden: rmsNormLayer(decoder.finalNorm, x, config.epsilon), added };
}

/** From the new positions to those that are cached and to one another, int32 [B, N, P + N]. */
function answerDistances({ embeddings, past, pastLengths }: ExtendInputs): tf.Tensor {
  const [batch, length] = embeddings.shape as [number, number];
  const cached = past[0]!.key.shape[1]!;
  const own = tf.range(0, length, 1, 'int32');
  const queries = tf.add(pastLengths.reshape([batch, 1]), own.reshape([1, length])); // [B, N]
  const before = tf.tile(tf.range(0, cached, 1, 'int32').reshape([1, cached]), [batch, 1]);
  const keys = tf.concat([before, queries], 1); // [B, P + N]
  return tf.sub(keys.reshape([batch, 1, cached + length]), queries.reshape([batch, length, 1]));
}

function biasOf(
  table: Params<EmbeddingSpec>,
  distances: tf.Tensor,
  { buckets, maxDistance }: T5Config,
  { bothWays }: { readonly bothWays: boolean },
): tf.Tensor {
  return relativeBias(table, distances, { buckets, maxDistance, bothWays });
}

function keyValue({ key, value }: AttentionPart, states: tf.Tensor): KeyValue {
  return { key: projectionLayer(key, states), value: projectionLayer(value, states) };
}

interface AttendOptions {
  /** What asks, [B, N, W]. */
  readonly normed: tf.Tensor;
  readonly kept: KeyValue;
  /** Added to the scores, [B or 1, heads or 1, N or 1, keys]. */
  readonly mask: tf.Tensor;
  readonly config: T5Config;
}

function attend({ query, out }: AttentionPart, x: tf.Tensor, { normed, kept, mask, config }: AttendOptions): tf.Tensor {
  const options = { heads: config.heads, scale: 1, mask };
  return tf.add(x, projectionLayer(out, attention(projectionLayer(query, normed), kept.key, kept.value, options)));
}

function perceive({ norm, gate, up, down }: MlpPart, x: tf.Tensor, { epsilon, activation }: T5Config): tf.Tensor {
  const normed = rmsNormLayer(norm, x, epsilon);
  const inner = projectionLayer(up, normed);
  const opened = gate
    ? tf.mul(activate(projectionLayer(gate, normed), activation), inner)
    : activate(inner, activation);
  return tf.add(x, projectionLayer(down, opened));
}
