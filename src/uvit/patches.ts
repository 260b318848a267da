/** Images to patch tokens and back, and positions for other image sizes. */
import * as tf from '@tensorflow/tfjs';
import { DuetError } from '../core/errors.ts';

/** Rows and columns of patches. */
export interface Grid {
  readonly rows: number;
  readonly columns: number;
}

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

/** [to, from]: the weights of bilinear resizing along one axis, half-pixel centres, edges repeated (align_corners false). */
function bilinearWeights(from: number, to: number): Float64Array[] {
  return Array.from({ length: to }, (_, i) => {
    const row = new Float64Array(from);
    const position = Math.max(((i + 0.5) * from) / to - 0.5, 0);
    const low = Math.min(Math.floor(position), from - 1);
    const high = Math.min(low + 1, from - 1);
    row[low]! += 1 - (position - low);
    row[high]! += position - low;
    return row;
  });
}

/**
 * Positions [s s, D] of a square grid, resized bilinearly to `grid`: [h w, D]. Resizing is linear, so it is one product
 * with a constant matrix; that differentiates and records like any other.
 */
export function resizePositions(positions: tf.Tensor, side: number, grid: Grid): tf.Tensor {
  const { rows, columns } = grid;
  if (rows === side && columns === side) return positions;
  const [vertical, horizontal] = [bilinearWeights(side, rows), bilinearWeights(side, columns)];
  const matrix = new Float32Array(rows * columns * side * side);
  let next = 0;
  for (const v of vertical) {
    for (const h of horizontal) {
      for (const a of v) {
        for (const b of h) matrix[next++] = a * b;
      }
    }
  }
  return tf.matMul(tf.tensor(matrix, [rows * columns, side * side], 'float32'), positions);
}
