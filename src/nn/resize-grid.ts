/** Vectors on a square grid, resized to another grid. */
import * as tf from '@tensorflow/tfjs';

/** Rows and columns. */
export interface Grid {
  readonly rows: number;
  readonly columns: number;
}

/**
 * The matrix [h w, s s] that resizes a grid of side s bilinearly (half-pixel centres, edges repeated: torch's align_corners false).
 * Resizing is linear: one product with a constant differentiates and records like any other.
 */
export function gridResizing(side: number, { rows, columns }: Grid): tf.Tensor2D {
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
  return tf.tensor2d(matrix, [rows * columns, side * side], 'float32');
}

/** [to, from]: the weights along one axis. */
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
