/**
 * The objective of a small chat model that is trained whole: its words are predicted, and what the feature mapper makes of the
 * states at its vokens is drawn near to what a text tower makes of the picture's caption, which is what the U-Net looks at
 * (the caption loss of Zheng et al., arXiv 2310.02239, section 3.3; as GILL, Koh et al., arXiv 2305.17216, it draws nothing in
 * training). Text tower and U-Net stay as they are, the image tower where it is not among what is trained.
 */
import * as tf from '@tensorflow/tfjs';
import { type ClipTextConfig, type ClipTextParams, clipText } from '../../clip/index.ts';
import type { TensorRecord } from '../../engine/types.ts';
import { type LlamaConfig, type LlamaParams, llama, llamaLogits, nextTokenLoss } from '../../lm/index.ts';
import { type VisualFrontEndConfig, type VisualFrontEndParams, visualFrontEnd } from '../../vision/index.ts';
import { type VokenMapperConfig, type VokenMapperParams, vokenMapper } from '../../vokens/index.ts';
import type { PackedShape } from '../data/packed-batch.ts';
import type { LossResult, Objective } from '../step.ts';
import { vokenStates } from './minigpt5.ts';
import { tokenAccuracy } from './token-accuracy.ts';

export interface ChatProblem {
  readonly llama: LlamaConfig;
  readonly frontEnd: VisualFrontEndConfig;
  readonly mapper: VokenMapperConfig;
  /** Whose states are the target of the mapper. */
  readonly text: ClipTextConfig;
  readonly shape: PackedShape;
  /** What each loss counts. */
  readonly weights: { readonly text: number; readonly caption: number };
}

/** What is trained. */
export interface ChatParams {
  readonly llama: LlamaParams;
  readonly connector: VisualFrontEndParams['connector'];
  readonly mapper: VokenMapperParams;
  /** Frozen where it is absent. */
  readonly tower?: VisualFrontEndParams['tower'];
}

export interface ChatFrozen {
  readonly text: ClipTextParams;
  /** Absent where it is trained. */
  readonly tower?: VisualFrontEndParams['tower'];
}

/**
 * Inputs: those of a `PackedBatch`; `pixels` [M, C, S, S], the given pictures as the image tower reads them; `kept` [K], 0 where
 * the condition is dropped for guidance; `captions` int32 [K, Q], framed, that of no words where it is dropped.
 */
export function chatObjective(problem: ChatProblem): Objective<ChatParams, ChatFrozen> {
  const { shape, frontEnd, mapper } = problem;
  const { imageSize: side, channels } = frontEnd.tower;
  const rows = [shape.rows, shape.length];
  return {
    inputs: {
      sources: { dtype: 'int32', shape: rows },
      segments: { dtype: 'int32', shape: rows },
      labels: { dtype: 'int32', shape: rows },
      weights: { dtype: 'float32', shape: rows },
      pixels: { dtype: 'float32', shape: [shape.given, channels, side, side] },
      places: { dtype: 'int32', shape: [shape.drawn * shape.vokens] },
      present: { dtype: 'float32', shape: [shape.drawn] },
      kept: { dtype: 'float32', shape: [shape.drawn] },
      captions: { dtype: 'int32', shape: [shape.drawn, mapper.queries] },
    },
    loss: (params, frozen, inputs) => chatLoss(params, frozen, inputs, problem),
  };
}

function chatLoss(params: ChatParams, frozen: ChatFrozen, inputs: TensorRecord, problem: ChatProblem): LossResult {
  type Name = 'sources' | 'segments' | 'labels' | 'weights' | 'pixels' | 'places' | 'present' | 'kept' | 'captions';
  const { labels, weights, pixels, present, ...given } = inputs as Record<Name, tf.Tensor>;
  const { mapper, text: tower, weights: share } = problem;
  // One of the two has it.
  const eyes = { tower: (params.tower ?? frozen.tower)!, connector: params.connector };
  const vectors = visualFrontEnd(eyes, { pixels }, problem.frontEnd);
  const embeddings = placed(params.llama.tokenEmbedding.weight, vectors, given.sources);
  const hidden = llama(params.llama, { embeddings, segments: given.segments }, problem.llama);
  const logits = llamaLogits(params.llama, hidden);
  const text = nextTokenLoss(logits, labels, weights);

  const { context } = vokenMapper(params.mapper, vokenStates(hidden, given.places, given.kept), mapper);
  const target = clipText(frozen.text, { ids: given.captions }, tower);
  const errors = tf.mean(tf.square(tf.sub(context, target)), [1, 2]); // [K]
  // A batch without pictures divides zero by one.
  const caption = tf.div(tf.sum(tf.mul(errors, present)), tf.maximum(tf.sum(present), 1));

  const [batch, length, size] = logits.shape as [number, number, number];
  const after = (tensor: tf.Tensor) => tf.slice(tensor, [0, 1], [batch, length - 1]);
  const before = tf.slice(logits, [0, 0, 0], [batch, length - 1, size]);
  return {
    loss: tf.add(tf.mul(text, share.text), tf.mul(caption, share.caption)) as tf.Scalar,
    metrics: { text, caption, accuracy: tokenAccuracy(before, after(labels), after(weights)) },
  };
}

/** Embeddings [B, L, W]: rows of the table, and behind its last one the vectors [M, N, W] of pictures. */
function placed(table: tf.Tensor, vectors: tf.Tensor, sources: tf.Tensor): tf.Tensor {
  const width = table.shape[1]!;
  const all = tf.concat([table, vectors.reshape([vectors.size / width, width])], 0);
  return tf.gather(all, sources as tf.Tensor2D);
}
