/**
 * CLIP's image tower: a vision transformer (Radford et al., arXiv 2103.00020, section 2.4;
 * docs/reference/clip-and-gpt2.md).
 */
import * as tf from '@tensorflow/tfjs';
import { linearLayer, linearSpec } from '../nn/linear.ts';
import { layerNormLayer, normSpec } from '../nn/norm.ts';
import type { Params } from '../nn/params.ts';
import { visionTransformerSpec, visionTransformerStates } from '../nn/vision-transformer.ts';
import type { ClipVisionConfig } from './config.ts';
import { towerStd } from './text.ts';

/** What all of CLIP's image towers have. */
const kind = { patchBias: false, preNorm: true } as const;

export function clipVisionSpec(config: ClipVisionConfig) {
  const { width, layers, projection } = config;
  const std = width ** -0.5;
  return {
    ...visionTransformerSpec({ ...config, ...kind }, { ...towerStd(width, layers), token: std }),
    postNorm: normSpec(width),
    ...(projection !== undefined && { projection: linearSpec(width, projection, { bias: false, std }) }),
  };
}

export type ClipVisionParams = Params<ReturnType<typeof clipVisionSpec>>;

/**
 * States after the last layer, without final norm: [B, 1 + patches, V], the class token first.
 * @param pixels normalised, [B, C, H, W]; for sizes other than the config's the position table is resized bicubically
 * @throws DuetError `invalid-argument` for a wrong number of channels or an image smaller than a patch
 */
export function clipVision(params: ClipVisionParams, pixels: tf.Tensor, config: ClipVisionConfig): tf.Tensor {
  return visionTransformerStates(params, pixels, { ...config, ...kind }).at(-1)!;
}

/** The post-normed class token of states [B, L, V]: [B, V]. */
export function poolClassToken(params: ClipVisionParams, states: tf.Tensor, config: ClipVisionConfig): tf.Tensor {
  const [batch, , width] = states.shape as [number, number, number];
  const classToken = tf.slice(states, [0, 0, 0], [batch, 1, width]).reshape([batch, width]);
  return layerNormLayer(params.postNorm, classToken, config.epsilon);
}

/** Post-normed, projected states of the patches, for FILIP's score: states [B, 1 + M, V] -> [B, M, P]. */
export function patchFeatures(params: ClipVisionParams, states: tf.Tensor, config: ClipVisionConfig): tf.Tensor {
  const [batch, tokens, width] = states.shape as [number, number, number];
  const patches = tf.slice(states, [0, 1, 0], [batch, tokens - 1, width]);
  return projectImage(params, layerNormLayer(params.postNorm, patches, config.epsilon));
}

/** Projected features without bias, [..., V] -> [..., P]; the input itself if the tower has no projection. */
export function projectImage(params: ClipVisionParams, pooled: tf.Tensor): tf.Tensor {
  return params.projection ? linearLayer(params.projection, pooled) : pooled;
}
