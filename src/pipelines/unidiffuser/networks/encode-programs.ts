/**
 * Pictures and captions to latents (not normalised), and latents to pictures: what a loaded model encodes and decodes with is
 * what it was trained on.
 */
import * as tf from '@tensorflow/tfjs';
import { type AutoencoderParams, decode, encodeMoments } from '../../../autoencoder/index.ts';
import {
  type ClipTextConfig,
  type ClipTextParams,
  type ClipVisionParams,
  clipText,
  clipVision,
  poolClassToken,
  projectImage,
} from '../../../clip/index.ts';
import type { TensorSource } from '../../../core/host-tensor.ts';
import { type CompileOptions, compile, type Executable } from '../../../engine/index.ts';
import { type CaptionDecoderParams, encodePrefix } from '../../../lm/index.ts';
import type { ModelConfig } from '../model-config.ts';
import type { ModelWeights } from '../model-folder.ts';

/** The networks around those that draw, which make latents and turn them back: finished before it is trained. */
export interface LatentNetworks<T extends TensorSource = TensorSource> {
  readonly config: Pick<ModelConfig, 'autoencoder' | 'clip' | 'captionDecoder'>;
  readonly weights: Omit<ModelWeights<T>, 'uvit' | 'unet'>;
}

interface ImageEncoderParams {
  readonly autoencoder: AutoencoderParams;
  readonly vision: ClipVisionParams;
}

/**
 * `pixels` [B, 3, S, S] -> `mean` and `std` of the image latent [B, C, H, W], CLIP embedding `clip` [B, 1, D].
 * @param side S
 */
export function compileImageEncoder(
  { config, weights }: LatentNetworks,
  side: number,
  options: CompileOptions,
): Promise<Executable> {
  const { autoencoder, clip } = config;
  return compile<ImageEncoderParams, undefined>(
    ({ params, inputs }) => {
      const pixels = inputs['pixels']!;
      const { mean, logVariance } = encodeMoments(params.autoencoder, pixels, autoencoder);
      const pooled = poolClassToken(params.vision, clipVision(params.vision, pixels, clip.vision), clip.vision);
      return {
        outputs: {
          mean,
          std: tf.exp(tf.mul(logVariance, 0.5)),
          clip: tf.expandDims(projectImage(params.vision, pooled), 1),
        },
      };
    },
    {
      params: { autoencoder: weights.autoencoder, vision: weights.clip.vision },
      inputs: { pixels: { dtype: 'float32', shape: ['batch', 3, side, side] } },
    },
    { ...options, name: 'encode-image' },
  );
}

/**
 * `z` [B, C, H, W] -> `pixels` [B, 3, S, S].
 * @param latent C, H, W; sides of any length have names
 */
export function compileImageDecoder(
  { config, weights }: LatentNetworks,
  latent: readonly (number | string)[],
  options: CompileOptions,
): Promise<Executable> {
  return compile<AutoencoderParams, undefined>(
    ({ params, inputs }) => ({ outputs: { pixels: decode(params, inputs['z']!, config.autoencoder) } }),
    { params: weights.autoencoder, inputs: { z: { dtype: 'float32', shape: ['batch', ...latent] } } },
    { ...options, name: 'decode-image' },
  );
}

/** `states` [B, L, X] of CLIP's text tower -> text latents `y` [B, L, d]. */
export function compileStatesEncoder(
  { config, weights }: LatentNetworks,
  options: CompileOptions,
): Promise<Executable> {
  const { captionDecoder, clip } = config;
  return compile<Pick<CaptionDecoderParams, 'encodePrefix'>, undefined>(
    ({ params, inputs }) => ({ outputs: { y: encodePrefix(params, inputs['states']!) } }),
    {
      params: { encodePrefix: weights.captionDecoder.encodePrefix },
      inputs: { states: { dtype: 'float32', shape: ['batch', captionDecoder.prefixLength, clip.text.width] } },
    },
    { ...options, name: 'encode-states' },
  );
}

export interface TextEncoderParams extends Pick<CaptionDecoderParams, 'encodePrefix'> {
  readonly text: ClipTextParams;
}

/** ids int32 [B, L] -> text latents [B, L, d]. */
export function encodeText(params: TextEncoderParams, ids: tf.Tensor, config: ClipTextConfig): tf.Tensor {
  return encodePrefix(params, clipText(params.text, { ids }, config));
}

/** `ids` int32 [B, L] of framed captions -> text latents `y` [B, L, d]. */
export function compileTextEncoder({ config, weights }: LatentNetworks, options: CompileOptions): Promise<Executable> {
  return compile<TextEncoderParams, undefined>(
    ({ params, inputs }) => ({ outputs: { y: encodeText(params, inputs['ids']!, config.clip.text) } }),
    {
      params: { text: weights.clip.text, encodePrefix: weights.captionDecoder.encodePrefix },
      inputs: { ids: { dtype: 'int32', shape: ['batch', config.captionDecoder.prefixLength] } },
    },
    { ...options, name: 'encode-text' },
  );
}
