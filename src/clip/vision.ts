/**
 * CLIP's image tower: a vision transformer (Radford et al., arXiv 2103.00020, section 2.4;
 * docs/reference/clip-and-gpt2.md).
 */
import * as tf from '@tensorflow/tfjs';
import { DuetError } from '../core/errors.ts';
import { embeddingSpec, linearLayer, linearSpec } from '../nn/linear.ts';
import { layerNormLayer, normSpec } from '../nn/norm.ts';
import { normal, type Params } from '../nn/params.ts';
import { preNormBlock, preNormBlockSpec } from '../nn/pre-norm-block.ts';
import type { ClipVisionConfig } from './config.ts';
import { resizePositions } from './resize-positions.ts';
import { towerStd } from './text.ts';

export function clipVisionSpec(config: ClipVisionConfig) {
  const { width, layers, patchSize, channels, projection } = config;
  const std = towerStd(width, layers);
  return {
    classEmbedding: normal([width], width ** -0.5),
    /** The patch convolution as a matrix: rows ordered channel, row, column of the patch. */
    patchEmbedding: linearSpec(channels * patchSize ** 2, width, { bias: false }),
    /** Class token first, then the grid row by row. */
    positionEmbedding: embeddingSpec(gridOf(config) ** 2 + 1, width, width ** -0.5),
    preNorm: normSpec(width),
    layers: Array.from({ length: layers }, () => preNormBlockSpec(config, std)),
    postNorm: normSpec(width),
    ...(projection !== undefined && {
      projection: linearSpec(width, projection, { bias: false, std: width ** -0.5 }),
    }),
  };
}

export type ClipVisionParams = Params<ReturnType<typeof clipVisionSpec>>;

function gridOf(config: ClipVisionConfig): number {
  return Math.floor(config.imageSize / config.patchSize);
}

/** Patches of an image, [B, C, H, W] -> [B, rows columns, C p p]; what does not fill a patch at the far sides is cut off. */
function patches(pixels: tf.Tensor, patch: number): tf.Tensor {
  const [batch, channels, height, width] = pixels.shape as [number, number, number, number];
  const [rows, columns] = [Math.floor(height / patch), Math.floor(width / patch)];
  const cut = tf.slice(pixels, [0, 0, 0, 0], [batch, channels, rows * patch, columns * patch]);
  return cut
    .reshape([batch, channels, rows, patch, columns, patch])
    .transpose([0, 2, 4, 1, 3, 5]) // [B, rows, columns, C, p, p]
    .reshape([batch, rows * columns, channels * patch * patch]);
}

function positionsFor(params: ClipVisionParams, config: ClipVisionConfig, grid: readonly [number, number]): tf.Tensor {
  const side = gridOf(config);
  if (grid[0] === side && grid[1] === side) return params.positionEmbedding.weight;
  const classPosition = tf.slice(params.positionEmbedding.weight, [0, 0], [1, config.width]);
  const table = tf.slice(params.positionEmbedding.weight, [1, 0], [side * side, config.width]);
  return tf.concat([classPosition, resizePositions(table, [side, side], grid)]);
}

/**
 * States after the last layer, without final norm: [B, 1 + patches, V], the class token first.
 * @param pixels normalised, [B, C, H, W]; for sizes other than the config's the position table is resized bicubically
 * @throws DuetError `invalid-argument` for a wrong number of channels or an image smaller than a patch
 */
export function clipVision(params: ClipVisionParams, pixels: tf.Tensor, config: ClipVisionConfig): tf.Tensor {
  const { patchSize, channels, width, epsilon } = config;
  const [batch, got, height, imageWidth] = pixels.shape as [number, number, number, number];
  if (got !== channels || height < patchSize || imageWidth < patchSize) {
    throw new DuetError(
      'invalid-argument',
      `The image tower takes [B, ${channels}, H, W] with sides of at least ${patchSize}, got [${pixels.shape.join(', ')}]`,
    );
  }
  const grid = [Math.floor(height / patchSize), Math.floor(imageWidth / patchSize)] as const;
  const tokens = linearLayer(params.patchEmbedding, patches(pixels, patchSize));
  const classToken = tf.tile(params.classEmbedding.reshape([1, 1, width]), [batch, 1, 1]);
  const embedded = tf.add(tf.concat([classToken, tokens], 1), positionsFor(params, config, grid));
  let x = layerNormLayer(params.preNorm, embedded, epsilon);
  for (const layer of params.layers) x = preNormBlock(layer, x, config);
  return x;
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
