/**
 * The autoencoder's objective: absolute and squared error, optionally the same on differences of neighbouring pixels
 * (sharp edges without an adversary), and a slight pull of the latents towards N(0, 1) (Rombach et al. 2022, section 3.1).
 */
import * as tf from '@tensorflow/tfjs';
import {
  type AutoencoderConfig,
  type AutoencoderParams,
  autoencoderSpec,
  decode,
  encodeMoments,
  sampleLatent,
} from '../../autoencoder/index.ts';
import type { Program, TensorRecord } from '../../engine/types.ts';
import { fillParams } from '../../nn/params.ts';
import type { AutoencoderStage } from '../config.ts';
import type { LossResult, Objective } from '../step.ts';

/** Inputs: `pixels` [B, 3, S, S] in [-1, 1]; `noise` of the latents' shape, for the sample of the posterior. */
export function autoencoderObjective(
  config: AutoencoderStage,
  latentShape: readonly [number, number, number],
): Objective<AutoencoderParams, object> {
  const { batch, data, model } = config;
  return {
    inputs: {
      pixels: { dtype: 'float32', shape: [batch, model.inChannels, data.size, data.size] },
      noise: { dtype: 'float32', shape: [batch, ...latentShape] },
    },
    loss: (params, _, inputs) => reconstruction(params, inputs, config),
  };
}

function reconstruction(params: AutoencoderParams, inputs: TensorRecord, config: AutoencoderStage): LossResult {
  const { pixels, noise } = inputs as Record<'pixels' | 'noise', tf.Tensor4D>;
  const { model, loss: weights } = config;
  const moments = encodeMoments(params, pixels, model);
  const { mean, logVariance } = moments;
  const difference = tf.sub(decode(params, sampleLatent(moments, noise), model), pixels) as tf.Tensor4D;
  const squared = tf.mean(tf.square(difference));
  const kl = tf.mul(tf.mean(tf.sub(tf.add(tf.square(mean), tf.exp(logVariance)), tf.add(logVariance, 1))), 0.5);
  const terms: tf.Tensor[] = [tf.mul(squared, weights.l2), tf.mul(kl, weights.kl)];
  if (weights.l1 > 0) terms.push(tf.mul(tf.mean(tf.abs(difference)), weights.l1));
  if (weights.edge > 0) terms.push(tf.mul(edgeError(difference), weights.edge));
  return { loss: tf.addN(terms) as tf.Scalar, metrics: { mse: squared, kl } };
}

/** The mean absolute difference of horizontally and vertically neighbouring errors [B, C, H, W]. */
function edgeError(error: tf.Tensor4D): tf.Tensor {
  const [, , height, width] = error.shape;
  const right = tf.slice(error, [0, 0, 0, 1], [-1, -1, -1, width - 1]);
  const left = tf.slice(error, [0, 0, 0, 0], [-1, -1, -1, width - 1]);
  const below = tf.slice(error, [0, 0, 1, 0], [-1, -1, height - 1, -1]);
  const above = tf.slice(error, [0, 0, 0, 0], [-1, -1, height - 1, -1]);
  return tf.add(tf.mean(tf.abs(tf.sub(right, left))), tf.mean(tf.abs(tf.sub(below, above))));
}

/** pixels [B, 3, S, S] -> `reconstruction`, from the means; its state is the flat record of parameters. */
export function autoencoderPreview(model: AutoencoderConfig): Program<undefined, TensorRecord> {
  return ({ state, inputs }) => {
    const params = fillParams(autoencoderSpec(model), state, 'the averaged parameters');
    const { mean } = encodeMoments(params, inputs['pixels']!, model);
    return { outputs: { reconstruction: decode(params, mean, model) }, state };
  };
}
