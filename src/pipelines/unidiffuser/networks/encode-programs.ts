/** Pictures and captions to latents (not normalised): what a loaded model encodes with is what it was trained on. */
import * as tf from '@tensorflow/tfjs';
import { type AutoencoderConfig, type AutoencoderParams, encodeMoments } from '../../../autoencoder/index.ts';
import {
  type ClipTextConfig,
  type ClipTextParams,
  type ClipVisionConfig,
  type ClipVisionParams,
  clipText,
  clipVision,
  poolClassToken,
  projectImage,
} from '../../../clip/index.ts';
import type { Program } from '../../../engine/index.ts';
import { type CaptionDecoderParams, encodePrefix } from '../../../lm/index.ts';

interface ImageEncoderParams {
  readonly autoencoder: AutoencoderParams;
  readonly vision: ClipVisionParams;
}

/** pixels [B, 3, S, S] -> mean and std of the image latent [B, C, H, W], CLIP embedding [B, 1, D]. */
export function imageEncoder(
  autoencoder: AutoencoderConfig,
  vision: ClipVisionConfig,
): Program<ImageEncoderParams, unknown> {
  return ({ params, inputs }) => {
    const pixels = inputs['pixels']!;
    const { mean, logVariance } = encodeMoments(params.autoencoder, pixels, autoencoder);
    const pooled = poolClassToken(params.vision, clipVision(params.vision, pixels, vision), vision);
    return {
      outputs: {
        mean,
        std: tf.exp(tf.mul(logVariance, 0.5)),
        clip: tf.expandDims(projectImage(params.vision, pooled), 1),
      },
    };
  };
}

export interface TextEncoderParams extends Pick<CaptionDecoderParams, 'encodePrefix'> {
  readonly text: ClipTextParams;
}

/** ids int32 [B, L] -> text latents [B, L, d]. */
export function encodeText(params: TextEncoderParams, ids: tf.Tensor, config: ClipTextConfig): tf.Tensor {
  return encodePrefix(params, clipText(params.text, { ids }, config));
}
