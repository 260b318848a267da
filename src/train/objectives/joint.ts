/**
 * UniDiffuser's objective (Bao et al. 2023, section 3): predict the noise of both modalities from both, each noised to
 * its own timestep; the image is two parts (latent z, CLIP embedding c) that share one. The loss is the weighted sum of
 * the parts' means. The network predicts the noise, v = alpha eps - sigma x0 (Salimans and Ho 2022), or the data
 * itself, which is the easiest target where a token holds many numbers (Li and He 2025, "Back to Basics: Let Denoising
 * Generative Models Denoise").
 *
 * A part that is clean or ignored in a sample has no loss there: no sampler needs it, and v of a clean part is its
 * unpredictable noise.
 */
import * as tf from '@tensorflow/tfjs';
import type { ClipTextConfig } from '../../clip/index.ts';
import type { TensorRecord } from '../../engine/types.ts';
import { encodeText, type TextEncoderParams } from '../../pipelines/unidiffuser/networks/encode-programs.ts';
import { type JointUvitParams, jointUvit } from '../../uvit/index.ts';
import type { JointTraining } from '../config.ts';
import type { LossResult, Objective } from '../step.ts';

/** Frozen parts that make the text latents inside the step. */
export interface JointFrozen extends TextEncoderParams {
  /** Per channel [d], over the data: latents are (y - mean) / std. */
  readonly mean: tf.Tensor;
  readonly std: tf.Tensor;
}

const parts = ['image', 'clip', 'text'] as const;
type Part = (typeof parts)[number];

/**
 * Inputs: clean normalised latents `image` [B, C, H, W] and `clip` [B, 1, D]; caption `ids` int32 [B, L]; noise
 * `imageNoise`, `clipNoise`, `textNoise` of the parts' shapes; per modality `imageTime`, `textTime` (1000 t), and
 * `imageAlpha`, `imageSigma`, `imageWeight`, `textAlpha`, `textSigma`, `textWeight`, all [B]; weights as `timeInputs`.
 */
export function jointObjective(
  config: JointTraining,
  textTower: ClipTextConfig,
): Objective<JointUvitParams, JointFrozen> {
  const { batch, model } = config;
  const image = [batch, model.latentChannels, model.latentSize, model.latentSize];
  const clip = [batch, 1, model.clipDim];
  const text = [batch, model.textTokens, model.textDim];
  const float = (shape: number[]) => ({ dtype: 'float32', shape }) as const;
  const perSample = ['Time', 'Alpha', 'Sigma', 'Weight'].flatMap(what => [`image${what}`, `text${what}`]);
  return {
    inputs: {
      image: float(image),
      clip: float(clip),
      ids: { dtype: 'int32', shape: [batch, model.textTokens] },
      imageNoise: float(image),
      clipNoise: float(clip),
      textNoise: float(text),
      ...Object.fromEntries(perSample.map(name => [name, float([batch])])),
    },
    loss: (params, frozen, inputs) => joint(params, frozen, inputs, config, textTower),
  };
}

/** Normalised text latents of `ids`: [B, L, d]. */
export function textLatents(frozen: JointFrozen, ids: tf.Tensor, textTower: ClipTextConfig): tf.Tensor {
  return tf.div(tf.sub(encodeText(frozen, ids, textTower), frozen.mean), frozen.std);
}

function joint(
  params: JointUvitParams,
  frozen: JointFrozen,
  inputs: TensorRecord,
  config: JointTraining,
  textTower: ClipTextConfig,
): LossResult {
  const input = (name: string): tf.Tensor => inputs[name]!;
  const clean: Record<Part, tf.Tensor> = {
    image: input('image'),
    clip: input('clip'),
    text: textLatents(frozen, input('ids'), textTower),
  };
  const modality = (part: Part) => (part === 'text' ? 'text' : 'image');
  /** A value per sample, shaped to be multiplied with the part. */
  const level = (part: Part, what: 'Alpha' | 'Sigma'): tf.Tensor => {
    const ones = clean[part].shape.slice(1).map(() => 1);
    return input(`${modality(part)}${what}`).reshape([config.batch, ...ones]);
  };
  const alpha = (part: Part, x: tf.Tensor): tf.Tensor => tf.mul(level(part, 'Alpha'), x);
  const sigma = (part: Part, x: tf.Tensor): tf.Tensor => tf.mul(level(part, 'Sigma'), x);
  const noise = (part: Part): tf.Tensor => input(`${part}Noise`);
  const noised = (part: Part): tf.Tensor => tf.add(alpha(part, clean[part]), sigma(part, noise(part)));
  const targets = {
    epsilon: noise,
    v: (part: Part) => tf.sub(alpha(part, noise(part)), sigma(part, clean[part])),
    sample: (part: Part) => clean[part],
  };
  const target = targets[config.prediction];
  const predicted = jointUvit(
    params,
    {
      image: noised('image'),
      clipImage: noised('clip'),
      text: noised('text'),
      imageTime: input('imageTime'),
      textTime: input('textTime'),
    },
    config.model,
  );
  const predictions = { image: predicted.image, clip: predicted.clipImage, text: predicted.text };
  const losses = parts.map(part => {
    const squares = tf.square(tf.sub(predictions[part], target(part))).reshape([config.batch, -1]);
    return tf.sum(tf.mul(tf.mean(squares, 1), input(`${modality(part)}Weight`)));
  });
  const weighted = losses.map((loss, i) => tf.mul(loss, config.loss[parts[i]!]));
  return {
    loss: tf.addN(weighted) as tf.Scalar,
    metrics: Object.fromEntries(parts.map((part, i) => [`${part}Loss`, losses[i]!])),
  };
}
