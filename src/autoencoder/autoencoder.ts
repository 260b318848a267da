/**
 * The KL autoencoder of latent diffusion (Rombach et al. 2022, section 3.1; Stable Diffusion's layout): an image becomes
 * a normal distribution per latent pixel, a sample of which is decoded again. Scaling latents to unit variance is not
 * done here: the statistics belong to the model that uses them.
 */
import * as tf from '@tensorflow/tfjs';
import { DuetError } from '../core/errors.ts';
import { convLayer, convSpec } from '../nn/conv.ts';
import type { Params } from '../nn/params.ts';
import { type AutoencoderConfig, downsamplingFactor } from './config.ts';
import { decoder, decoderSpec } from './decoder.ts';
import { encoder, encoderSpec } from './encoder.ts';
import { depthToSpace, spaceToDepth } from './space-to-depth.ts';

/** Log-variances are cut to this range before they are used, as in the original. */
const LOG_VARIANCE_RANGE = [-30, 20] as const;

/** The parameters of the network of `config`. */
export function autoencoderSpec(config: AutoencoderConfig) {
  const { latentChannels } = config;
  return {
    encoder: encoderSpec(config),
    quantConv: convSpec(2 * latentChannels, 2 * latentChannels, 1),
    postQuantConv: convSpec(latentChannels, latentChannels, 1),
    decoder: decoderSpec(config),
  };
}

export type AutoencoderParams = Params<ReturnType<typeof autoencoderSpec>>;

/** Mean and log-variance [B, latentChannels, h, w] of the latents of an image. */
export interface Moments {
  readonly mean: tf.Tensor;
  readonly logVariance: tf.Tensor;
}

/**
 * The distribution of the latents of `pixels`.
 * @param pixels [B, inChannels, H, W] in [-1, 1]; H and W multiples of {@link downsamplingFactor} come back from
 *   {@link decode} in the same size
 * @throws DuetError `invalid-argument` when channels or sides do not fit
 */
export function encodeMoments(params: AutoencoderParams, pixels: tf.Tensor, config: AutoencoderConfig): Moments {
  const { inChannels, latentChannels, patchSize = 1 } = config;
  const [, channels, height, width] = pixels.shape as [number, number, number, number];
  const smallest = downsamplingFactor(config);
  if (channels !== inChannels || height % patchSize || width % patchSize || Math.min(height, width) < smallest) {
    throw new DuetError(
      'invalid-argument',
      `encodeMoments: pixels must be [B, ${inChannels}, H, W] with sides of at least ${smallest}` +
        ` that are multiples of ${patchSize}, got [${pixels.shape}]`,
    );
  }
  const moments = convLayer(params.quantConv, encoder(params.encoder, spaceToDepth(pixels, patchSize), config));
  const [mean, logVariance] = tf.split(moments, [latentChannels, latentChannels], 1) as [tf.Tensor, tf.Tensor];
  return { mean, logVariance };
}

/** One sample of the latents: mean + exp(logVariance / 2) noise, [B, latentChannels, h, w]. */
export function sampleLatent({ mean, logVariance }: Moments, noise: tf.Tensor): tf.Tensor {
  const std = logVariance
    .clipByValue(...LOG_VARIANCE_RANGE)
    .mul(0.5)
    .exp();
  return tf.add(mean, std.mul(noise));
}

/**
 * The image of `latents` [B, latentChannels, h, w] as they come from {@link sampleLatent}.
 * @returns [B, inChannels, H, W], about [-1, 1], not clamped
 */
export function decode(params: AutoencoderParams, latents: tf.Tensor, config: AutoencoderConfig): tf.Tensor {
  const { latentChannels, patchSize = 1 } = config;
  if (latents.rank !== 4 || latents.shape[1] !== latentChannels) {
    throw new DuetError(
      'invalid-argument',
      `decode: latents must be [B, ${latentChannels}, h, w], got [${latents.shape}]`,
    );
  }
  return depthToSpace(decoder(params.decoder, convLayer(params.postQuantConv, latents), config), patchSize);
}
