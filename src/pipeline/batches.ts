/**
 * Batches of a few fixed sizes. Each size of a compiled program is a graph of its own, recorded on first use, so rows are
 * padded up to the next size of a short list and cut into chunks of the largest.
 */
import { float32, type HostTensor, sizeOf } from '../core/host-tensor.ts';

/** Rows of one chunk padded to a bucket: only the first `count` rows of the answer count. */
export interface Chunk<T> {
  readonly rows: readonly T[];
  readonly count: number;
}

/** `rows` in chunks whose lengths are among `sizes` (ascending); the last row is repeated to fill a chunk. */
export function bucketChunks<T>(rows: readonly T[], sizes: readonly number[]): Chunk<T>[] {
  const largest = sizes.at(-1)!;
  const chunks: Chunk<T>[] = [];
  for (let start = 0; start < rows.length; start += largest) {
    const chunk = rows.slice(start, start + largest);
    const size = sizes.find(candidate => candidate >= chunk.length)!;
    const padding = Array.from({ length: size - chunk.length }, () => chunk.at(-1)!);
    chunks.push({ rows: [...chunk, ...padding], count: chunk.length });
  }
  return chunks;
}

/** Calls `run` on each chunk in turn and joins what it returns for the rows that count. */
export async function inBuckets<T, U>(
  rows: readonly T[],
  sizes: readonly number[],
  run: (rows: readonly T[]) => Promise<readonly U[]>,
): Promise<U[]> {
  const results: U[] = [];
  for (const { rows: padded, count } of bucketChunks(rows, sizes)) {
    results.push(...(await run(padded)).slice(0, count));
  }
  return results;
}

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
