/**
 * The objective of MiniGPT-5 (Zheng et al., arXiv 2310.02239, section 3.3): words are predicted, the noise of pictures is
 * predicted from what the feature mapper makes of the states at their vokens, and that is drawn near to what the U-Net's own
 * text encoder makes of the caption. The language model and the U-Net stay as they are.
 */
import * as tf from '@tensorflow/tfjs';
import type { TensorRecord } from '../../engine/types.ts';
import {
  type LlamaConfig,
  type LlamaParams,
  type LoraParams,
  llama,
  llamaModel,
  nextTokenLoss,
  withLora,
} from '../../lm/index.ts';
import { projectionLayer, type projectionSpec } from '../../nn/linear.ts';
import type { Params } from '../../nn/params.ts';
import { type UnetConfig, type UnetParams, unet } from '../../unet/index.ts';
import {
  type ExtendedParams,
  extendedModel,
  type VokenMapperConfig,
  type VokenMapperParams,
  vokenMapper,
} from '../../vokens/index.ts';
import type { Objective } from '../step.ts';

/** Weights of the three losses, those of the original. */
export const lossWeights = { text: 0.01, image: 1, caption: 0.1 } as const;

export interface MiniGpt5Problem {
  readonly llama: LlamaConfig;
  readonly mapper: VokenMapperConfig;
  readonly unet: UnetConfig;
  /** Vokens of a picture. */
  readonly vokens: number;
  /** alpha / r of the language model's adaptation, where it has one. */
  readonly loraScale?: number;
  /** What the regression of given pictures' vectors counts. @default there is none */
  readonly regression?: number | undefined;
}

/** What is trained: the first stage knows no `lora`, the second leaves `projection` and `queries` as they are. */
export interface MiniGpt5Params {
  readonly rows: ExtendedParams<unknown>['rows'];
  readonly mapper: Pick<VokenMapperParams, 'encoder' | 'decoder'> & Partial<VokenMapperParams>;
  readonly lora?: LoraParams;
  /** W to W: from a state to the vector that comes next. */
  readonly regression?: Params<ReturnType<typeof projectionSpec>>;
}

export interface MiniGpt5Frozen {
  readonly llama: LlamaParams;
  readonly unet: UnetParams;
  /** Those parts of the mapper that are not trained. */
  readonly mapper?: Partial<VokenMapperParams>;
}

/** The loss and all that it is made of; scalars but where a shape is given. */
export interface MiniGpt5Losses {
  readonly loss: tf.Tensor;
  readonly text: tf.Tensor;
  readonly regression?: tf.Tensor;
  /** Absent in a batch without pictures, as is all that follows. */
  readonly image?: tf.Tensor;
  /** Absent without the captions' features. */
  readonly caption?: tf.Tensor;
  /** States that predict the vokens, [K, V, W]. */
  readonly states?: tf.Tensor;
  /** [K, Q, X] */
  readonly context?: tf.Tensor;
  /** The noise that the U-Net predicts, [K, C, h, w]. */
  readonly predicted?: tf.Tensor;
  /** Its mean squared error, [K]. */
  readonly squares?: tf.Tensor;
}

/**
 * Inputs: those of a `TrainingBatch` ([B, L, ...]); of its K pictures `places` int32 [K * V], the positions in all rows
 * together of the states that predict each voken; `kept` [K], 0 where the condition is dropped for guidance; noised latents
 * `sample` [K, C, h, w], and `noise` of the same shape, which the U-Net is to predict; `time` and `imageWeights` [K]; where captions
 * count `features` [K, Q, X], and `captionWeights` [K] unless all count alike.
 */
export function miniGpt5Losses(
  { rows, mapper, lora, regression: head }: MiniGpt5Params,
  frozen: MiniGpt5Frozen,
  inputs: TensorRecord,
  problem: MiniGpt5Problem,
): MiniGpt5Losses {
  const base = lora ? withLora(frozen.llama, lora, problem.loraScale ?? 1) : frozen.llama;
  const { hidden, logits } = readAnswers({ base, rows }, inputs, problem);
  const text = nextTokenLoss(logits, inputs['labels']!, inputs['weights']!);
  const regression = head && vectorError(head, hidden, inputs);
  const words = [tf.mul(text, lossWeights.text)];
  if (regression) words.push(tf.mul(regression, problem.regression ?? 1));
  const told = { text, ...(regression && { regression }) };
  if (!inputs['places']) return { loss: tf.addN(words), ...told };

  const states = vokenStates(hidden, inputs['places'], inputs['kept']!);
  // Together the two have all parts of the mapper.
  const whole = { ...frozen.mapper, ...mapper } as VokenMapperParams;
  const { context } = vokenMapper(whole, states, problem.mapper);
  const predicted = unet(frozen.unet, { sample: inputs['sample']!, time: inputs['time']!, context }, problem.unet);
  const squares = tf.mean(tf.square(tf.sub(predicted, inputs['noise']!)), [1, 2, 3]);
  const image = tf.mean(tf.mul(squares, inputs['imageWeights']!));
  const caption = inputs['features'] && captionError(context, inputs['features'], inputs['captionWeights']);
  const parts = [...words, tf.mul(image, lossWeights.image)];
  if (caption) parts.push(tf.mul(caption, lossWeights.caption));
  return { loss: tf.addN(parts), ...told, image, ...(caption && { caption }), states, context, predicted, squares };
}

/**
 * How far the states before the vectors of given pictures are, by one matrix, from telling these vectors (Sun et al., Emu, arXiv
 * 2307.05222, section 2.2): the mean squared error over all places of `ids` where a vector stands.
 */
function vectorError(
  head: NonNullable<MiniGpt5Params['regression']>,
  hidden: tf.Tensor,
  inputs: TensorRecord,
): tf.Tensor {
  const [batch, length, width] = hidden.shape as [number, number, number];
  const after = (tensor: tf.Tensor) => tf.slice(tensor, [0, 1], [batch, length - 1]);
  const isVector = tf.logicalAnd(tf.less(after(inputs['ids']!), 0), tf.greater(after(inputs['mask']!), 0));
  const counts = tf.cast(isVector, 'float32');
  const told = projectionLayer(head, tf.slice(hidden, [0, 0, 0], [batch, length - 1, width]));
  const truth = tf.slice(inputs['vectors']!, [0, 1, 0], [batch, length - 1, width]);
  const errors = tf.mean(tf.square(tf.sub(told, truth)), 2); // [B, L - 1]
  // A batch without given pictures divides zero by one.
  return tf.div(tf.sum(tf.mul(errors, counts)), tf.maximum(tf.sum(counts), 1));
}

/** The mean squared error of contexts [K, Q, X], each weighted [K]. */
function captionError(context: tf.Tensor, features: tf.Tensor, weights: tf.Tensor | undefined): tf.Tensor {
  const squares = tf.square(tf.sub(context, features));
  return tf.mean(weights ? tf.mul(squares, weights.reshape([-1, 1, 1])) : squares);
}

/** Shapes of a batch, which are the same at every step. */
export interface MiniGpt5Shape {
  readonly rows: number;
  /** Positions of a row. */
  readonly length: number;
  /** Most pictures that are drawn; the weights of those that are not there are 0. */
  readonly pictures: number;
  /** Of a picture: [C, h, w]. */
  readonly latent: readonly [number, number, number];
  /** Whether captions count. */
  readonly hasCaptions: boolean;
}

/** How much faster what is new learns than the language model's rows, in the original's first stage. */
const mapperRateFactor = 10;

export function miniGpt5Objective(
  problem: MiniGpt5Problem,
  { rows, length, pictures, latent, hasCaptions }: MiniGpt5Shape,
): Objective<MiniGpt5Params, MiniGpt5Frozen> {
  const { llama: language, mapper, vokens } = problem;
  const float = (...shape: number[]) => ({ dtype: 'float32', shape }) as const;
  const whole = (...shape: number[]) => ({ dtype: 'int32', shape }) as const;
  return {
    inputs: {
      ids: whole(rows, length),
      vectors: float(rows, length, language.width),
      mask: whole(rows, length),
      labels: whole(rows, length),
      weights: float(rows, length),
      places: whole(pictures * vokens),
      kept: float(pictures),
      sample: float(pictures, ...latent),
      noise: float(pictures, ...latent),
      time: float(pictures),
      imageWeights: float(pictures),
      ...(hasCaptions && { features: float(pictures, mapper.queries, mapper.width), captionWeights: float(pictures) }),
    },
    loss: (params, frozen, inputs) => {
      const { loss, text, regression, image, caption } = miniGpt5Losses(params, frozen, inputs, problem);
      const others = { ...(regression && { regression }), ...(image && { image }), ...(caption && { caption }) };
      return { loss: loss as tf.Scalar, metrics: { text, ...others } };
    },
    // In the second stage all learn alike.
    ...(problem.loraScale === undefined && {
      rateFactor: (name: string) => (name.startsWith('mapper.') ? mapperRateFactor : 1),
    }),
  };
}

/**
 * The states that predict the vokens of K pictures, [K, V, W]; zeros where the condition is dropped.
 * @param hidden [B, L, W]
 * @param places int32 [K V], positions in all rows together
 * @param kept [K], 0 where it is dropped
 */
export function vokenStates(hidden: tf.Tensor, places: tf.Tensor, kept: tf.Tensor): tf.Tensor {
  const width = hidden.shape.at(-1)!;
  const chosen = tf.gather(hidden.reshape([hidden.size / width, width]), places as tf.Tensor1D);
  const pictures = kept.size;
  return tf.mul(chosen.reshape([pictures, places.size / pictures, width]), kept.reshape([pictures, 1, 1]));
}

function readAnswers(params: ExtendedParams<LlamaParams>, inputs: TensorRecord, { llama: config }: MiniGpt5Problem) {
  const model = extendedModel(llamaModel(config), config.vocabularySize);
  const none = tf.scalar(0, 'int32');
  const ids = inputs['ids']!;
  const embedded = model.embed(params, tf.maximum(ids, none));
  const embeddings = tf.where(tf.greaterEqual(ids, none).expandDims(2), embedded, inputs['vectors']!);
  const hidden = llama(params.base, { embeddings, mask: inputs['mask'] }, config);
  return { hidden, logits: model.logits(params, hidden) };
}
