/**
 * The Llama family (Touvron et al. 2023, arXiv 2302.13971, section 2.2; docs/reference/llama.md): pre-norm layers of RMSNorm,
 * attention with rotary positions and grouped keys and values, and a gated MLP. Weights are [out, in], as in the published
 * files, which are mapped as they are.
 */
import * as tf from '@tensorflow/tfjs';
import Type from 'typebox';
import { type Activation, activate } from '../nn/activation.ts';
import type { KeyValue } from '../nn/attention.ts';
import { embeddingSpec, type LinearSpec, projectionLayer, projectionSpec } from '../nn/linear.ts';
import { rmsNormLayer, rmsNormSpec } from '../nn/norm.ts';
import type { Params } from '../nn/params.ts';
import { attention, rotary } from '../ops/index.ts';
import { causalMask } from './attention-mask.ts';
import { continuation } from './continuation.ts';
import {
  type Extended,
  type ExtendInputs,
  embedTokens,
  type LanguageModel,
  type SequenceInputs,
} from './language-model.ts';
import { type Angles, ropeAngles, ropeSchema } from './rope.ts';

const size = Type.Integer({ minimum: 1 });

export const llamaConfigSchema = Type.Object(
  {
    vocabularySize: size,
    /** Positions that the model was trained for. */
    positions: size,
    width: size,
    layers: size,
    heads: size,
    /** Heads of keys and values, of which `heads` is a multiple. */
    keyValueHeads: size,
    headWidth: Type.Integer({ minimum: 2, multipleOf: 2 }),
    mlpWidth: size,
    /** That of the MLP's gate; `erf`, `tanh` and `quick` are forms of GELU. */
    activation: Type.Union([
      Type.Literal('silu'),
      Type.Literal('relu'),
      Type.Literal('erf'),
      Type.Literal('tanh'),
      Type.Literal('quick'),
    ]),
    epsilon: Type.Number({ exclusiveMinimum: 0 }),
    rope: ropeSchema,
    /** Whether the output layer is the token embedding, transposed. */
    tied: Type.Boolean(),
    attentionBias: Type.Boolean(),
    mlpBias: Type.Boolean(),
  },
  { additionalProperties: false },
);

export type LlamaConfig = Type.Static<typeof llamaConfigSchema>;

export function llamaSpec(config: LlamaConfig) {
  const { vocabularySize, width, layers } = config;
  const head: { readonly head?: LinearSpec } = config.tied ? {} : { head: projectionSpec(width, vocabularySize) };
  return {
    tokenEmbedding: embeddingSpec(vocabularySize, width),
    layers: Array.from({ length: layers }, () => layerSpec(config)),
    finalNorm: rmsNormSpec(width),
    ...head,
  };
}

function layerSpec({ width, heads, keyValueHeads, headWidth, mlpWidth, attentionBias, mlpBias }: LlamaConfig) {
  const [inner, shared] = [heads * headWidth, keyValueHeads * headWidth];
  return {
    norm1: rmsNormSpec(width),
    attention: {
      query: projectionSpec(width, inner, { bias: attentionBias }),
      key: projectionSpec(width, shared, { bias: attentionBias }),
      value: projectionSpec(width, shared, { bias: attentionBias }),
      out: projectionSpec(inner, width, { bias: attentionBias }),
    },
    norm2: rmsNormSpec(width),
    mlp: {
      gate: projectionSpec(width, mlpWidth, { bias: mlpBias }),
      up: projectionSpec(width, mlpWidth, { bias: mlpBias }),
      down: projectionSpec(mlpWidth, width, { bias: mlpBias }),
    },
  };
}

export type LlamaParams = Params<ReturnType<typeof llamaSpec>>;

export interface LlamaInputs extends SequenceInputs {
  /** int32 [B, L]: the text that a position belongs to, where a row holds several. @default each row is one */
  readonly segments?: tf.Tensor | undefined;
}

/** The last hidden states, after the final norm: [B, L, W]. */
export function llama(params: LlamaParams, inputs: LlamaInputs, config: LlamaConfig): tf.Tensor {
  return llamaStates(params, inputs, config).at(-1)!;
}

/** What each layer reads, and last the states after the final norm: layers + 1 tensors [B, L, W], as in transformers. */
export function llamaStates(params: LlamaParams, inputs: LlamaInputs, config: LlamaConfig): tf.Tensor[] {
  const { embeddings, mask: visible, segments } = inputs;
  const [batch, length] = embeddings.shape as [number, number];
  const positions = inputs.positions ?? tf.tile(tf.range(0, length, 1, 'int32').reshape([1, length]), [batch, 1]);
  const read = readLayers(params, embeddings, config, { positions, mask: causalMask(length, { visible, segments }) });
  return [...read.states, read.hidden];
}

/** Positions of prompt and answer together: dynamic scaling is there for texts that are longer than those of the training. */
export function llamaPositions({ positions, rope: { scaling } }: LlamaConfig): number {
  return scaling?.kind === 'dynamic' ? Math.floor(positions * scaling.factor) : positions;
}

/** Llama for decoding: adds positions to sequences whose keys and values are kept. */
export function llamaModel(config: LlamaConfig): LanguageModel<LlamaParams> {
  return {
    cache: { layers: config.layers, width: config.keyValueHeads * config.headWidth },
    // Dynamic scaling turns positions by how far was read at the time.
    readsInParts: config.rope.scaling?.kind !== 'dynamic',
    embed: embedTokens,
    extend: (params, inputs) => llamaExtend(params, inputs, config),
    logits: llamaLogits,
  };
}

function llamaExtend(params: LlamaParams, inputs: ExtendInputs, config: LlamaConfig): Extended {
  const { added, ...own } = continuation(inputs);
  return { hidden: readLayers(params, inputs.embeddings, config, own).hidden, added };
}

/** Hidden states [..., W] -> logits [..., V]. */
export function llamaLogits(params: LlamaParams, hidden: tf.Tensor): tf.Tensor {
  return projectionLayer(params.head ?? params.tokenEmbedding, hidden);
}

interface ReadOptions {
  /** int32 [B, N] */
  readonly positions: tf.Tensor;
  /** Added to the scores, [B or 1, 1, N, keys]. */
  readonly mask: tf.Tensor;
  /** Given the keys (turned) and values of the current positions, returns those to attend to. */
  readonly remember?: (current: KeyValue, layer: number) => KeyValue;
}

function readLayers(params: LlamaParams, embeddings: tf.Tensor, config: LlamaConfig, options: ReadOptions) {
  const { positions, remember } = options;
  const angles = ropeAngles(positions, config.headWidth, config.rope);
  const mask = repeatRows(options.mask, config.heads / config.keyValueHeads);
  const states: tf.Tensor[] = [];
  let x = embeddings;
  for (const [index, layer] of params.layers.entries()) {
    states.push(x);
    x = llamaLayer(layer, x, config, { angles, mask, remember: current => remember?.(current, index) ?? current });
  }
  return { states, hidden: rmsNormLayer(params.finalNorm, x, config.epsilon) };
}

interface LayerOptions {
  readonly angles: Angles;
  /** [B or 1, 1, N heads / keyValueHeads, keys] */
  readonly mask: tf.Tensor;
  readonly remember: (current: KeyValue) => KeyValue;
}

/** x [B, N, W] -> [B, N, W]. */
function llamaLayer(
  params: LlamaParams['layers'][number],
  x: tf.Tensor,
  config: LlamaConfig,
  { angles: { cos, sin }, mask, remember }: LayerOptions,
): tf.Tensor {
  const { query, key, value, out } = params.attention;
  const normed = rmsNormLayer(params.norm1, x, config.epsilon);
  const q = rotary(projectionLayer(query, normed), cos, sin);
  const kept = remember({
    key: rotary(projectionLayer(key, normed), cos, sin),
    value: projectionLayer(value, normed),
  });
  const attended = tf.add(x, projectionLayer(out, groupedAttention(q, kept, mask, config)));
  return tf.add(
    attended,
    gatedMlp(params.mlp, rmsNormLayer(params.norm2, attended, config.epsilon), config.activation),
  );
}

/**
 * Attention of h heads of queries to g of keys and values, each of which h/g neighbouring ones share (Ainslie et al. 2023,
 * arXiv 2305.13245): the queries of one group become rows of its one head, so that keys and values are not repeated.
 */
function groupedAttention(
  q: tf.Tensor,
  { key, value }: KeyValue,
  mask: tf.Tensor,
  { heads, keyValueHeads: groups, headWidth: d }: LlamaConfig,
): tf.Tensor {
  const [batch, length] = q.shape as [number, number];
  const members = heads / groups;
  const swap = (x: tf.Tensor, [a, b]: readonly [number, number]) =>
    members === 1 || groups === 1 ? x : tf.transpose(x.reshape([batch, length, a, b, d]), [0, 1, 3, 2, 4]);
  const rows = swap(q, [groups, members]).reshape([batch, length * members, groups * d]);
  const mixed = attention(rows, key, value, { heads: groups, mask });
  return swap(mixed, [members, groups]).reshape([batch, length, heads * d]);
}

/** [B, 1, N, S] with every row `count` times: [B, 1, N count, S]. */
function repeatRows(mask: tf.Tensor, count: number): tf.Tensor {
  if (count === 1) return mask;
  const [batch, , length, keys] = mask.shape as [number, 1, number, number];
  return tf.tile(mask.reshape([batch, length, 1, keys]), [1, 1, count, 1]).reshape([batch, 1, length * count, keys]);
}

/** down(act(gate x) up x) (Shazeer 2020, arXiv 2002.05202). */
function gatedMlp(
  { gate, up, down }: LlamaParams['layers'][number]['mlp'],
  x: tf.Tensor,
  activation: Activation,
): tf.Tensor {
  const opened = activate(projectionLayer(gate, x), activation);
  return projectionLayer(down, tf.mul(opened, projectionLayer(up, x)));
}
