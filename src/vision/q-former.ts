/**
 * The Q-Former: a fixed number of learned queries that read an image by cross-attention, and by self-attention each other and,
 * in InstructBLIP, an instruction (Li et al., arXiv 2301.12597, section 3.1; Dai et al., arXiv 2305.06500, section 2.3;
 * docs/reference/visual-front-ends.md). Its layers are BERT's, with norms after the residual connections.
 */
import * as tf from '@tensorflow/tfjs';
import { DuetError } from '../core/errors.ts';
import { attentionSpec } from '../nn/attention.ts';
import { keyMask } from '../nn/attention-mask.ts';
import { embeddingLayer, embeddingSpec } from '../nn/linear.ts';
import { mlpSpec } from '../nn/mlp.ts';
import { layerNormLayer, normSpec } from '../nn/norm.ts';
import { normal, type Params } from '../nn/params.ts';
import {
  type AttentionPartSpec,
  attentionPart,
  type FeedForwardPartSpec,
  feedForwardPart,
  transformerBlockSpec,
} from '../nn/transformer-block.ts';
import type { QFormerConfig } from './config.ts';

const QUERY_STD = 0.02;

/** @param sourceWidth of the image's states */
export function qFormerSpec(config: QFormerConfig, sourceWidth: number) {
  const { width, layers, queries, text } = config;
  return {
    queries: normal([queries, width], QUERY_STD),
    ...(text && {
      tokenEmbedding: embeddingSpec(text.vocabularySize, width),
      positionEmbedding: embeddingSpec(text.positions, width),
    }),
    /** Of queries and text, before the first layer. */
    norm: normSpec(width),
    layers: Array.from({ length: layers }, (_, index) => layerSpec(config, sourceWidth, index)),
  };
}

/** `norm2` and `mlp` are those of the queries. */
function layerSpec(config: QFormerConfig, sourceWidth: number, index: number) {
  const { width, mlpWidth, crossEvery, text } = config;
  const cross: { readonly cross?: AttentionPartSpec } =
    index % crossEvery === 0
      ? { cross: { norm: normSpec(width), attention: attentionSpec(width, { sourceWidth }) } }
      : {};
  const words: { readonly text?: FeedForwardPartSpec } = text
    ? { text: { norm: normSpec(width), mlp: mlpSpec(width, mlpWidth) } }
    : {};
  return { ...transformerBlockSpec(config), ...cross, ...words };
}

export type QFormerParams = Params<ReturnType<typeof qFormerSpec>>;

/** A text that the queries read beside the image. */
export interface Instruction {
  /** int32 [B, L], of BERT's tokenizer */
  readonly ids: tf.Tensor;
  /** [B, L], 1 = visible token. @default all visible */
  readonly mask?: tf.Tensor | undefined;
}

/**
 * The queries' states after the last layer: image [B, M, S] -> [B, Q, W].
 * @param instruction needed by a Q-Former with text, refused by one without
 * @throws DuetError `invalid-argument` if it is missing, not wanted or longer than the position table
 */
export function qFormer(
  params: QFormerParams,
  image: tf.Tensor,
  config: QFormerConfig,
  instruction?: Instruction,
): tf.Tensor {
  const { queries, width, epsilon } = config;
  const batch = image.shape[0]!;
  const text = embedInstruction(params, config, instruction);
  const learned = tf.tile(params.queries.reshape([1, queries, width]), [batch, 1, 1]);
  let x = layerNormLayer(params.norm, text ? tf.concat([learned, text], 1) : learned, epsilon); // [B, Q + L, W]
  const seen = tf.tile(tf.ones([1, queries]), [batch, 1]);
  const mask = instruction?.mask && keyMask(tf.concat([seen, instruction.mask.toFloat()], 1));
  for (const layer of params.layers) x = qFormerLayer(layer, x, { image, mask, config });
  return text ? tf.slice(x, [0, 0, 0], [batch, queries, width]) : x;
}

/** Words with positions, [B, L, W], without norm. */
function embedInstruction(
  { tokenEmbedding, positionEmbedding }: QFormerParams,
  { text, width }: QFormerConfig,
  instruction: Instruction | undefined,
): tf.Tensor | undefined {
  if (!text !== !instruction) {
    const problem = text ? 'reads an instruction beside the image, got none' : 'has no words: it reads no instruction';
    throw new DuetError('invalid-argument', `This Q-Former ${problem}`);
  }
  if (!text || !instruction || !tokenEmbedding || !positionEmbedding) return undefined;
  const length = instruction.ids.shape[1]!;
  if (length > text.positions) {
    throw new DuetError(
      'invalid-argument',
      `An instruction of the Q-Former has at most ${text.positions} tokens, got ${length}: shorten it`,
    );
  }
  return tf.add(
    embeddingLayer(tokenEmbedding, instruction.ids),
    tf.slice(positionEmbedding.weight, [0, 0], [length, width]),
  );
}

interface LayerInputs {
  readonly image: tf.Tensor;
  readonly mask: tf.Tensor | undefined;
  readonly config: QFormerConfig;
}

/** x [B, Q + L, W], queries first, to the same shape: only the queries look at the image, and words have their own perceptron. */
function qFormerLayer(
  layer: QFormerParams['layers'][number],
  x: tf.Tensor,
  { image, mask, config }: LayerInputs,
): tf.Tensor {
  const block = { ...config, order: 'post' } as const;
  const [batch, length, width] = x.shape as [number, number, number];
  const { queries } = config;
  const mixed = attentionPart({ norm: layer.norm1, attention: layer.attention }, x, block, { mask });
  let asked = layer.text ? tf.slice(mixed, [0, 0, 0], [batch, queries, width]) : mixed;
  if (layer.cross) asked = attentionPart(layer.cross, asked, block, { source: image });
  asked = feedForwardPart({ norm: layer.norm2, mlp: layer.mlp }, asked, block);
  if (!layer.text) return asked;
  const words = tf.slice(mixed, [0, queries, 0], [batch, length - queries, width]);
  return tf.concat([asked, feedForwardPart(layer.text, words, block)], 1);
}
