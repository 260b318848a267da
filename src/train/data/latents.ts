/**
 * Image latents of a whole source, computed once and kept on disk: a .safetensors file named by the content of the
 * encoders and the data, so that a retrained encoder or other data never use stale latents.
 */
import { createHash } from 'node:crypto';
import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { makeFolder } from '../../core/folders.ts';
import { float32, type HostTensor, sizeOf } from '../../core/host-tensor.ts';
import type { Executable } from '../../engine/types.ts';
import type { LatentStatistics } from '../../pipelines/unidiffuser/model-config.ts';
import { loadSafetensors } from '../../weights/safetensors.ts';
import { saveSafetensors } from '../../weights/write-safetensors.ts';
import { type PairSource, pictureBatch } from './source.ts';

/** One row per item of the source in each tensor. */
export type LatentTable = Readonly<Record<string, HostTensor>>;

/**
 * The outputs of `encoder` (input `pixels` [batch, 3, S, S], outputs with the batch first) for every picture of `source`.
 * @param weights what the encoder computes with: part of the cache's key
 */
export async function cachedLatents(
  source: PairSource,
  weights: Readonly<Record<string, HostTensor>>,
  encoder: () => Promise<Executable>,
  options: {
    readonly cache: string;
    readonly onProgress?: (fraction: number) => void;
    readonly batch?: number;
    readonly signal?: AbortSignal;
  },
): Promise<LatentTable> {
  const file = join(options.cache, `latents-${latentKey(source, weights)}.safetensors`);
  if (await exists(file)) return (await loadSafetensors(file)).tensors;
  const executable = await encoder();
  try {
    const table = await encodeAll(source, executable, options);
    await makeFolder(options.cache);
    await saveSafetensors(file, table, { metadata: { source: source.key } });
    return table;
  } finally {
    await executable.release();
  }
}

/** Rows `indices` of a table's tensor. */
export function gatherRows(tensor: HostTensor, indices: readonly number[]): Float32Array<ArrayBuffer> {
  const width = sizeOf(tensor.shape.slice(1));
  const rows = new Float32Array(indices.length * width);
  for (const [row, index] of indices.entries()) {
    rows.set((tensor.data as Float32Array).subarray(index * width, (index + 1) * width), row * width);
  }
  return rows;
}

/** Statistics of `tensor` over all axes but `axis`. Constant channels get standard deviation 1. */
export function channelStatistics({ shape, data }: HostTensor, axis: number): LatentStatistics {
  const channels = shape[axis]!;
  const inner = sizeOf(shape.slice(axis + 1));
  const sums = new Float64Array(channels);
  const squares = new Float64Array(channels);
  for (let i = 0; i < data.length; i++) {
    const channel = Math.floor(i / inner) % channels;
    sums[channel]! += data[i]!;
    squares[channel]! += data[i]! ** 2;
  }
  const count = data.length / channels;
  // Rounded to single precision, as programs take them.
  const mean = Array.from(sums, sum => Math.fround(sum / count));
  const std = Array.from(squares, (square, channel) => {
    const variance = square / count - (sums[channel]! / count) ** 2;
    return variance > 1e-12 ? Math.fround(Math.sqrt(variance)) : 1;
  });
  return { mean, std };
}

async function encodeAll(
  source: PairSource,
  executable: Executable,
  { batch = 64, onProgress, signal }: Pick<Parameters<typeof cachedLatents>[3], 'batch' | 'onProgress' | 'signal'>,
): Promise<LatentTable> {
  const parts = new Map<string, { shape: number[]; data: Float32Array<ArrayBuffer> }>();
  const indicesFrom = (start: number): number[] =>
    // The last batch is filled up with the last item: one shape, one graph.
    Array.from({ length: batch }, (_, i) => Math.min(start + i, source.size - 1));
  let upcoming = pictureBatch(source, indicesFrom(0));
  for (let start = 0; start < source.size; start += batch) {
    signal?.throwIfAborted();
    const running = executable.run({ pixels: await upcoming });
    if (start + batch < source.size) upcoming = pictureBatch(source, indicesFrom(start + batch));
    const rows = Math.min(batch, source.size - start);
    for (const [name, { shape, data }] of Object.entries(await running)) {
      const width = data.length / batch;
      const part = parts.get(name) ?? {
        shape: [source.size, ...shape.slice(1)],
        data: new Float32Array(source.size * width),
      };
      part.data.set((data as Float32Array).subarray(0, rows * width), start * width);
      parts.set(name, part);
    }
    onProgress?.(Math.min(1, (start + batch) / source.size));
  }
  return Object.fromEntries([...parts].map(([name, { shape, data }]) => [name, float32(shape, data)]));
}

function latentKey(source: PairSource, weights: Readonly<Record<string, HostTensor>>): string {
  const hash = createHash('sha256').update(source.key);
  for (const [name, { shape, data }] of Object.entries(weights).sort(([a], [b]) => (a < b ? -1 : 1))) {
    hash.update(`${name} ${shape.join()}`).update(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  }
  return hash.digest('hex').slice(0, 24);
}

async function exists(file: string): Promise<boolean> {
  return access(file).then(
    () => true,
    () => false,
  );
}
