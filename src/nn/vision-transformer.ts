/**
 * The image encoder that vision-language models share (Dosovitskiy et al., arXiv 2010.11929, section 3.1): patches of an image
 * and a class token, with learned positions, through transformer layers. What comes after the last layer is its user's.
 */
import * as tf from '@tensorflow/tfjs';
import { DuetError } from '../core/errors.ts';
import { embeddingSpec, linearLayer, linearSpec, WEIGHT_STD } from './linear.ts';
import { layerNormLayer, normSpec } from './norm.ts';
import { normal, type Params } from './params.ts';
import { resizePositions } from './resize-positions.ts';
import {
  type TransformerBlockConfig,
  type TransformerBlockStd,
  transformerBlock,
  transformerBlockSpec,
} from './transformer-block.ts';

export interface VisionTransformerConfig extends TransformerBlockConfig {
  readonly layers: number;
  /** Side of the images that the positions are made for, in pixels. */
  readonly imageSize: number;
  readonly patchSize: number;
  readonly channels: number;
  /** Whether the embedding of patches has a bias: all but CLIP's. */
  readonly patchBias: boolean;
  /** Whether a norm stands before the first layer: CLIP. */
  readonly preNorm: boolean;
}

/** Standard deviations of the initial weights. */
export interface VisionTransformerStd extends TransformerBlockStd {
  /** Of the class token and the positions. */
  readonly token: number;
}

const defaultStd = { attention: WEIGHT_STD, fc1: WEIGHT_STD, residual: WEIGHT_STD, token: WEIGHT_STD };

export function visionTransformerSpec(config: VisionTransformerConfig, std: VisionTransformerStd = defaultStd) {
  const { width, layers, patchSize, channels, patchBias, preNorm } = config;
  return {
    classEmbedding: normal([width], std.token),
    /** The patch convolution as a matrix: rows ordered channel, row, column of the patch. */
    patchEmbedding: linearSpec(channels * patchSize ** 2, width, { bias: patchBias }),
    /** Class token first, then the grid row by row. */
    positionEmbedding: embeddingSpec(gridOf(config) ** 2 + 1, width, std.token),
    ...(preNorm && { preNorm: normSpec(width) }),
    layers: Array.from({ length: layers }, () => transformerBlockSpec(config, std)),
  };
}

export type VisionTransformerParams = Params<ReturnType<typeof visionTransformerSpec>>;

function gridOf(config: VisionTransformerConfig): number {
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

function positionsFor(
  { positionEmbedding }: VisionTransformerParams,
  config: VisionTransformerConfig,
  grid: readonly [number, number],
): tf.Tensor {
  const side = gridOf(config);
  if (grid[0] === side && grid[1] === side) return positionEmbedding.weight;
  const classPosition = tf.slice(positionEmbedding.weight, [0, 0], [1, config.width]);
  const table = tf.slice(positionEmbedding.weight, [1, 0], [side * side, config.width]);
  return tf.concat([classPosition, resizePositions(table, [side, side], grid)]);
}

/**
 * What each layer reads, and last what the last one gives, without final norm: layers + 1 tensors [B, 1 + patches, V], the
 * class token first.
 * @param pixels normalised, [B, C, H, W]; for sizes other than the config's the position table is resized bicubically
 * @throws DuetError `invalid-argument` for a wrong number of channels or an image smaller than a patch
 */
export function visionTransformerStates(
  params: VisionTransformerParams,
  pixels: tf.Tensor,
  config: VisionTransformerConfig,
): tf.Tensor[] {
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
  const states = [params.preNorm ? layerNormLayer(params.preNorm, embedded, epsilon) : embedded];
  for (const layer of params.layers) states.push(transformerBlock(layer, states.at(-1)!, config));
  return states;
}
