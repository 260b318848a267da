/** Images to patch tokens and back, and positions for other image sizes. */
import * as tf from '@tensorflow/tfjs';
import { DuetError } from '../core/errors.ts';
import { type Grid, gridResizing } from '../nn/resize-grid.ts';

/**
 * The patches of `image` [B, C, H, W] in rows: [B, h w, C p p], channel slowest (the order of a convolution's weights).
 * @throws DuetError `invalid-argument` unless H and W are multiples of the patch size
 */
export function patchify(image: tf.Tensor, patchSize: number): { readonly patches: tf.Tensor; readonly grid: Grid } {
  const [batch, channels, height, width] = image.shape as [number, number, number, number];
  const grid = { rows: height / patchSize, columns: width / patchSize };
  if (!Number.isInteger(grid.rows) || !Number.isInteger(grid.columns)) {
    throw new DuetError(
      'invalid-argument',
      `Both sides of the latent image must be multiples of the patch size ${patchSize}, got ${height} x ${width}`,
    );
  }
  const patches = image
    .reshape([batch, channels, grid.rows, patchSize, grid.columns, patchSize])
    .transpose([0, 2, 4, 1, 3, 5]) // [B, h, w, C, p, p]
    .reshape([batch, grid.rows * grid.columns, channels * patchSize * patchSize]);
  return { patches, grid };
}

/** Predicted patches [B, h w, p p C], channel fastest, as an image [B, C, h p, w p]. */
export function unpatchify(patches: tf.Tensor, { rows, columns }: Grid, patchSize: number): tf.Tensor {
  const batch = patches.shape[0]!;
  const channels = patches.shape[2]! / (patchSize * patchSize);
  return patches
    .reshape([batch, rows, columns, patchSize, patchSize, channels])
    .transpose([0, 5, 1, 3, 2, 4]) // [B, C, h, p, w, p]
    .reshape([batch, channels, rows * patchSize, columns * patchSize]);
}

/** Positions [s s, D] of a square grid, resized bilinearly to `grid`: [h w, D]. */
export function resizePositions(positions: tf.Tensor, side: number, grid: Grid): tf.Tensor {
  const isSame = grid.rows === side && grid.columns === side;
  return isSame ? positions : tf.matMul(gridResizing(side, grid), positions);
}
