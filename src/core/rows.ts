/** Conversion between rows and tensors. */
import { float32, type HostTensor, sizeOf } from './host-tensor.ts';

/** Flat rows of `shape` as one tensor [rows, ...shape]. */
export function stackRows(rows: readonly Float32Array[], shape: readonly number[]): HostTensor {
  const size = sizeOf(shape);
  const data = new Float32Array(rows.length * size);
  for (const [index, row] of rows.entries()) data.set(row, index * size);
  return float32([rows.length, ...shape], data);
}

/** The rows of a float32 tensor [B, ...] as views. */
export function unstackRows(tensor: HostTensor): Float32Array[] {
  const [rows = 0] = tensor.shape;
  const size = tensor.data.length / rows;
  return Array.from({ length: rows }, (_, row) => (tensor.data as Float32Array).subarray(row * size, (row + 1) * size));
}
