/** Bicubic resizing of a position table as one matrix product (PyTorch: align_corners false, no antialiasing, a = -0.75). */
import * as tf from '@tensorflow/tfjs';

const a = -0.75;

/** Keys' cubic convolution kernel. */
function cubic(distance: number): number {
  const x = Math.abs(distance);
  if (x <= 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
  return x < 2 ? a * (((x - 5) * x + 8) * x - 4) : 0;
}

/** Weights [to][from] of one axis; samples beyond the border repeat it. */
export function bicubicWeights(from: number, to: number): Float64Array[] {
  return Array.from({ length: to }, (_, index) => {
    const centre = ((index + 0.5) * from) / to - 0.5;
    const first = Math.floor(centre) - 1;
    const row = new Float64Array(from);
    for (let tap = first; tap < first + 4; tap++) row[Math.min(Math.max(tap, 0), from - 1)]! += cubic(centre - tap);
    return row;
  });
}

/**
 * A table of positions for another grid.
 * @param table [fromHeight fromWidth, D], row by row
 * @returns [toHeight toWidth, D]
 */
export function resizePositions(
  table: tf.Tensor,
  [fromHeight, fromWidth]: readonly [number, number],
  [toHeight, toWidth]: readonly [number, number],
): tf.Tensor {
  if (fromHeight === toHeight && fromWidth === toWidth) return table;
  const rows = bicubicWeights(fromHeight, toHeight);
  const columns = bicubicWeights(fromWidth, toWidth);
  const matrix = new Float32Array(toHeight * toWidth * fromHeight * fromWidth);
  let at = 0;
  for (const row of rows) {
    for (const column of columns) for (const y of row) for (const x of column) matrix[at++] = y * x;
  }
  return tf.matMul(tf.tensor2d(matrix, [toHeight * toWidth, fromHeight * fromWidth]), table);
}
