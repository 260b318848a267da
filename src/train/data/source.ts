/** Where pairs of pictures and captions come from, as the stages see it: items by index, drawn the same every time. */
import { float32, type HostTensor } from '../../core/host-tensor.ts';
import { permutation, randomStream } from '../random.ts';

/** A finite collection of captioned pictures of one size. */
export interface PairSource {
  /** Side of the square pictures in pixels. */
  readonly side: number;
  readonly size: number;
  /** Identifies what the items are made from: caches are keyed by it. */
  readonly key: string;
  /** RGB bytes of item `index`, row by row, [side, side, 3]. */
  picture(index: number): Uint8Array | Promise<Uint8Array>;
  /** One of the captions of item `index`; `random` in [0, 1) chooses. */
  caption(index: number, random: () => number): string;
  /** The canonical caption of item `index`; absent where all captions are equally good. */
  canonicalCaption?(index: number): string;
  /** All captions, where they are a list rather than a generator's. */
  readonly captions?: readonly string[];
  /** Items with the same key are duplicates, which a contrastive batch must not have; absent if unknown. */
  identity?(index: number): string;
}

/** Indices of a batch: every pass goes through the source in another order. */
export function batchIndices(seed: number, step: number, batch: number, size: number): number[] {
  const first = step * batch;
  return Array.from({ length: batch }, (_, i) => {
    const position = first + i;
    return orderOf(seed, Math.floor(position / size), size)[position % size]!;
  });
}

/** The pictures of `indices` as [B, 3, side, side] in [-1, 1]. */
export async function pictureBatch(source: PairSource, indices: readonly number[]): Promise<HostTensor> {
  const { side } = source;
  const plane = side * side;
  const data = new Float32Array(indices.length * 3 * plane);
  for (const [b, index] of indices.entries()) {
    const bytes = await source.picture(index);
    const base = b * 3 * plane;
    for (let i = 0, j = 0; i < plane; i++, j += 3) {
      data[base + i] = bytes[j]! / 127.5 - 1;
      data[base + plane + i] = bytes[j + 1]! / 127.5 - 1;
      data[base + 2 * plane + i] = bytes[j + 2]! / 127.5 - 1;
    }
  }
  return float32([indices.length, 3, side, side], data);
}

/** A caption for each of `indices`, drawn for this step. */
export function captionBatch(source: PairSource, indices: readonly number[], seed: number, step: number): string[] {
  const { next } = randomStream(seed, 'captions', step);
  return indices.map(index => source.caption(index, next));
}

let lastOrder: { key: string; order: Int32Array } | undefined;

function orderOf(seed: number, epoch: number, size: number): Int32Array {
  const key = `${seed}/${epoch}/${size}`;
  if (lastOrder?.key !== key) lastOrder = { key, order: permutation(seed, epoch, size) };
  return lastOrder.order;
}
