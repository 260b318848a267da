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
import { type UnetConfig, type UnetParams, unet } from '../../unet/index.ts';
import {
  type ExtendedParams,
  extendedModel,
  type VokenMapperConfig,
  type VokenMapperParams,
  vokenMapper,
} from '../../vokens/index.ts';

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
}

/** What is trained: the first stage knows no `lora`, the second leaves `projection` and `queries` as they are. */
export interface MiniGpt5Params {
  readonly rows: ExtendedParams<unknown>['rows'];
  readonly mapper: Pick<VokenMapperParams, 'encoder' | 'decoder'> & Partial<VokenMapperParams>;
  readonly lora?: LoraParams;
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
 * `sample` and `noise` [K, C, h, w]; `time` and `imageWeights` [K]; where captions count `features` [K, Q, X].
 */
export function miniGpt5Losses(
  { rows, mapper, lora }: MiniGpt5Params,
  frozen: MiniGpt5Frozen,
  inputs: TensorRecord,
  problem: MiniGpt5Problem,
): MiniGpt5Losses {
  const base = lora ? withLora(frozen.llama, lora, problem.loraScale ?? 1) : frozen.llama;
  const { hidden, logits } = readAnswers({ base, rows }, inputs, problem);
  const text = nextTokenLoss(logits, inputs['labels']!, inputs['weights']!);
  if (!inputs['places']) return { loss: tf.mul(text, lossWeights.text), text };

  const states = vokenStates(hidden, inputs['places'], inputs['kept']!);
  // Together the two have all parts of the mapper.
  const whole = { ...frozen.mapper, ...mapper } as VokenMapperParams;
  const { context } = vokenMapper(whole, states, problem.mapper);
  const predicted = unet(frozen.unet, { sample: inputs['sample']!, time: inputs['time']!, context }, problem.unet);
  const squares = tf.mean(tf.square(tf.sub(predicted, inputs['noise']!)), [1, 2, 3]);
  const image = tf.mean(tf.mul(squares, inputs['imageWeights']!));
  const caption = inputs['features'] && tf.mean(tf.square(tf.sub(context, inputs['features'])));
  const parts = [tf.mul(text, lossWeights.text), tf.mul(image, lossWeights.image)];
  if (caption) parts.push(tf.mul(caption, lossWeights.caption));
  return { loss: tf.addN(parts), text, image, ...(caption && { caption }), states, context, predicted, squares };
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

/**
 * Weights of the noise's error by signal-to-noise ratio, min(SNR, gamma) / SNR, which keep steps of little noise from counting
 * most (Hang et al., arXiv 2303.09556, section 3.4).
 */
export function minSnrWeight({ alpha, sigma }: { readonly alpha: number; readonly sigma: number }, gamma = 5): number {
  const ratio = alpha ** 2 / sigma ** 2;
  return Math.min(ratio, gamma) / ratio;
}
