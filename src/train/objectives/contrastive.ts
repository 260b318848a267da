/**
 * CLIP's objective (Radford et al. 2021): each picture finds its caption in the batch and the reverse. The temperature is
 * learned as ln(1 / temperature) and clamped in the loss. Optionally FILIP's token-wise score (Yao et al. 2021).
 */
import * as tf from '@tensorflow/tfjs';
import {
  type ClipParams,
  type ContrastiveLogits,
  clipText,
  clipVision,
  contrastiveLogits,
  contrastiveLoss,
  poolAtEnd,
  poolClassToken,
  projectImage,
  projectText,
  tokenwiseLogits,
} from '../../clip/index.ts';
import type { TensorRecord } from '../../engine/types.ts';
import type { ClipTraining } from '../config.ts';
import type { LossResult, Objective } from '../step.ts';

/** Both towers, some of whose parameters may be frozen: the trained and the frozen ones together are complete. */
export interface PartOfClip {
  readonly text?: Partial<ClipParams['text']>;
  readonly vision?: Partial<ClipParams['vision']>;
  readonly logitScale?: tf.Tensor;
}

/** Inputs: `pixels` [B, 3, S, S] in [-1, 1]; `ids` int32 [B, L]; `ends` int32 [B], the position of each end token. */
export function contrastiveObjective(config: ClipTraining): Objective<PartOfClip, PartOfClip> {
  const { batch, model } = config;
  const { imageSize, channels } = model.vision;
  return {
    inputs: {
      pixels: { dtype: 'float32', shape: [batch, channels, imageSize, imageSize] },
      ids: { dtype: 'int32', shape: [batch, model.text.positions] },
      ends: { dtype: 'int32', shape: [batch] },
    },
    loss: (params, frozen, inputs) => contrastive(merged(frozen, params), inputs, config),
  };
}

function merged(frozen: PartOfClip, trained: PartOfClip): ClipParams {
  const text = { ...frozen.text, ...trained.text };
  const vision = { ...frozen.vision, ...trained.vision };
  // Every parameter is in one of the two trees.
  return { text, vision, logitScale: trained.logitScale ?? frozen.logitScale } as ClipParams;
}

function contrastive(params: ClipParams, inputs: TensorRecord, config: ClipTraining): LossResult {
  const { pixels, ids, ends } = inputs as Record<'pixels' | 'ids' | 'ends', tf.Tensor>;
  const { model, loss: options } = config;
  const image = clipVision(params.vision, pixels, model.vision);
  const text = clipText(params.text, { ids }, model.text);
  const scale = tf.minimum(params.logitScale, Math.log(options.maxScale));
  const logits =
    options.score === 'pooled'
      ? contrastiveLogits(
          projectImage(params.vision, poolClassToken(params.vision, image, model.vision)),
          projectText(params.text, poolAtEnd(text, ends)),
          scale,
        )
      : tokenwise(params, image, text, ends, scale);
  return {
    loss: contrastiveLoss(logits) as tf.Scalar,
    metrics: {
      logitScale: tf.exp(scale),
      imageToText: firstIsOwn(logits.perImage),
      textToImage: firstIsOwn(transposed(logits)),
    },
  };
}

function tokenwise(
  params: ClipParams,
  image: tf.Tensor,
  text: tf.Tensor,
  ends: tf.Tensor,
  scale: tf.Tensor,
): ContrastiveLogits {
  const [, tokens, width] = image.shape as [number, number, number];
  const length = text.shape[1]!;
  const patches = tf.slice(image, [0, 1, 0], [-1, tokens - 1, width]);
  const upToEnd = tf.lessEqual(tf.range(0, length, 1, 'int32').reshape([1, length]), ends.reshape([-1, 1]));
  const mask = tf.cast(upToEnd, 'float32');
  return tokenwiseLogits(projectImage(params.vision, patches), projectText(params.text, text), mask, scale);
}

function transposed({ perText }: ContrastiveLogits): tf.Tensor {
  return tf.transpose(perText);
}

/** The fraction of rows of a square matrix whose largest entry lies on the diagonal. */
function firstIsOwn(logits: tf.Tensor): tf.Tensor {
  const own = tf.sum(tf.mul(logits, tf.eye(logits.shape[0]!)), 1);
  return tf.mean(tf.cast(tf.greaterEqual(own, tf.max(logits, 1)), 'float32'));
}
