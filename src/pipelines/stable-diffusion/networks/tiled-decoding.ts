/**
 * Decoding in tiles: where a whole picture would take too much memory, overlapping parts of its latent are decoded one by
 * one and blended linearly over their overlap. A decoder normalises over all that it is given and attends to all of it, so
 * tiles differ a little from the whole; the overlap hides where they meet.
 */
import { float32, type HostTensor } from '../../../core/host-tensor.ts';
import type { LatentImage } from './networks.ts';

export interface TileSizes {
  /** Side of a tile in latent pixels. */
  readonly tile: number;
  /** Latent pixels that neighbours share at least; less than a tile. */
  readonly overlap: number;
}

/** Part of an axis in latent pixels. */
interface Span {
  readonly start: number;
  readonly end: number;
}

/**
 * The values [1, C', H, W] of a latent of `channels`, from tiles.
 * @param decode the values [1, C', h, w] of one part
 */
export async function decodeTiled(
  latent: LatentImage,
  channels: number,
  sizes: TileSizes,
  decode: (part: LatentImage) => Promise<HostTensor>,
): Promise<HostTensor> {
  const [rows, columns] = [spans(latent.height, sizes), spans(latent.width, sizes)];
  let result: HostTensor | undefined;
  for (const [i, row] of rows.entries()) {
    for (const [j, column] of columns.entries()) {
      const part = await decode(cut(latent, channels, row, column));
      const [, colours, height, width] = part.shape as [number, number, number, number];
      const scale = height / (row.end - row.start);
      const shape = [1, colours, latent.height * scale, latent.width * scale];
      result ??= float32(shape, new Float32Array(shape.reduce((a, b) => a * b)));
      const down = blendWeights(rows, i, scale);
      const across = blendWeights(columns, j, scale);
      add(result, part, { top: row.start * scale, left: column.start * scale }, down, across, { height, width });
    }
  }
  return result!; // there is at least one tile
}

/** Tiles that cover `length`, of one size and evenly spread, so that overlaps are at least those asked for. */
function spans(length: number, { tile, overlap }: TileSizes): Span[] {
  if (length <= tile) return [{ start: 0, end: length }];
  const count = Math.ceil((length - overlap) / (tile - overlap));
  return Array.from({ length: count }, (_, i) => {
    const start = Math.round((i * (length - tile)) / (count - 1));
    return { start, end: start + tile };
  });
}

/**
 * The share of tile `index` in each pixel along one axis. It rises over what it has in common with the tile before and
 * falls over what it has in common with the next one; the shares of all tiles in a pixel add up to 1.
 */
function blendWeights(tiles: readonly Span[], index: number, scale: number): Float32Array {
  const { start, end } = tiles[index]!;
  return Float32Array.from({ length: (end - start) * scale }, (_, i) => {
    const position = start * scale + i + 0.5;
    const total = tiles.reduce((sum, _, k) => sum + height(tiles, k, position / scale), 0);
    return height(tiles, index, position / scale) / total;
  });
}

/** A trapezium over tile `k`: 1 inside, falling to 0 over its overlaps. */
function height(tiles: readonly Span[], k: number, position: number): number {
  const { start, end } = tiles[k]!;
  if (position < start || position > end) return 0;
  const [before, after] = [tiles[k - 1], tiles[k + 1]];
  const rise = before ? (position - start) / (before.end - start) : 1;
  const fall = after ? (end - position) / (end - after.start) : 1;
  return Math.min(rise, fall, 1);
}

function add(
  sum: HostTensor,
  part: HostTensor,
  place: { readonly top: number; readonly left: number },
  down: Float32Array,
  across: Float32Array,
  { height, width }: { readonly height: number; readonly width: number },
): void {
  const [, colours, rows, columns] = sum.shape as [number, number, number, number];
  for (let c = 0; c < colours; c++) {
    for (let y = 0; y < height; y++) {
      const to = (c * rows + place.top + y) * columns + place.left;
      const from = (c * height + y) * width;
      for (let x = 0; x < width; x++) sum.data[to + x]! += down[y]! * across[x]! * part.data[from + x]!;
    }
  }
}

function cut({ data, height, width }: LatentImage, channels: number, row: Span, column: Span): LatentImage {
  const [h, w] = [row.end - row.start, column.end - column.start];
  const part = new Float32Array(channels * h * w);
  for (let c = 0; c < channels; c++) {
    for (let y = 0; y < h; y++) {
      const from = (c * height + row.start + y) * width + column.start;
      part.set(data.subarray(from, from + w), (c * h + y) * w);
    }
  }
  return { data: part, height: h, width: w };
}
