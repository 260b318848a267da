/**
 * The objective of text-conditional latent diffusion (Rombach et al., arXiv 2112.10752, equation 3), on the velocity
 * v = alpha eps - sigma x0 (Salimans and Ho, arXiv 2202.00512): the U-Net is given noised image latents and what a frozen
 * CLIP makes of the caption.
 */
import * as tf from '@tensorflow/tfjs';
import { type ClipTextConfig, type ClipTextParams, clipText } from '../../clip/index.ts';
import type { TensorRecord } from '../../engine/types.ts';
import { contextUnet, type UnetConfig, type UnetParams } from '../../unet/index.ts';
import type { LossResult, Objective } from '../step.ts';

/** The frozen text tower, inside the step. */
export interface UnetFrozen {
  readonly text: ClipTextParams;
}

export interface UnetProblem {
  readonly batch: number;
  /** Side of the latents in latent pixels. */
  readonly side: number;
  /** L, tokens of a caption. */
  readonly tokens: number;
  readonly unet: UnetConfig;
  readonly text: ClipTextConfig;
}

/**
 * Inputs: clean normalised latents `image` and `noise` [B, C, S, S]; caption `ids` int32 [B, L]; timesteps `time` with
 * their `alpha` and `sigma`, all [B].
 */
export function unetObjective(problem: UnetProblem): Objective<UnetParams, UnetFrozen> {
  const { batch, side, tokens } = problem;
  const latents = { dtype: 'float32', shape: [batch, problem.unet.inChannels, side, side] } as const;
  const perSample = { dtype: 'float32', shape: [batch] } as const;
  return {
    inputs: {
      image: latents,
      noise: latents,
      ids: { dtype: 'int32', shape: [batch, tokens] },
      time: perSample,
      alpha: perSample,
      sigma: perSample,
    },
    loss: (params, frozen, inputs) => velocityLoss(params, frozen, inputs, problem),
  };
}

function velocityLoss(
  params: UnetParams,
  frozen: UnetFrozen,
  inputs: TensorRecord,
  { batch, ...config }: UnetProblem,
): LossResult {
  const { image, noise, ids, time } = inputs as Record<'image' | 'noise' | 'ids' | 'time', tf.Tensor>;
  const perSample = (name: 'alpha' | 'sigma') => inputs[name]!.reshape([batch, 1, 1, 1]);
  const [alpha, sigma] = [perSample('alpha'), perSample('sigma')];
  const sample = tf.add(tf.mul(alpha, image), tf.mul(sigma, noise));
  const target = tf.sub(tf.mul(alpha, noise), tf.mul(sigma, image));
  const predicted = predictFromCaption(params, frozen, { sample, time, ids }, config);
  return { loss: tf.mean(tf.square(tf.sub(predicted, target))) as tf.Scalar };
}

/** The U-Net's prediction [B, C, S, S] for `sample` at `time`, given the states of a caption's framed `ids` in the text tower. */
export function predictFromCaption(
  params: UnetParams,
  { text }: UnetFrozen,
  { ids, ...inputs }: { readonly sample: tf.Tensor; readonly time: tf.Tensor; readonly ids: tf.Tensor },
  config: Pick<UnetProblem, 'unet' | 'text'>,
): tf.Tensor {
  return contextUnet(params, { ...inputs, context: clipText(text, { ids }, config.text) }, config.unet);
}
