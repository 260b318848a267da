/** Which pixels of a picture are painted anew: masks of any size, and what they do to pictures of one size. */
import { DuetError } from '../core/errors.ts';
import { decodeImage, decodeOpacity, type Opacity } from './codec.ts';
import type { DecodeOptions, ImageInput } from './image-input.ts';
import { centralCrop, type Pixels, type Size } from './pixels.ts';

/** `repaint`: one byte a pixel, row by row; 1: painted anew, 0: kept. */
export interface Mask {
  readonly width: number;
  readonly height: number;
  readonly repaint: Uint8Array;
}

/** From here on transparent means transparent, and white white. */
const half = 128;

/** A mask is transparent where to repaint or, if it is opaque everywhere, white. Throws DuetError 'invalid-image'. */
export async function decodeMask(input: ImageInput, options: DecodeOptions = {}): Promise<Mask> {
  const opacity = await decodeTransparency(input, options);
  if (opacity) return opacity;
  const { width, height, data } = await decodeImage(input, options);
  const repaint = new Uint8Array(width * height);
  for (let i = 0; i < repaint.length; i++) {
    const [red, green, blue] = data.subarray(3 * i, 3 * i + 3);
    repaint[i] = 0.299 * red! + 0.587 * green! + 0.114 * blue! >= half ? 1 : 0; // luma, ITU-R BT.601
  }
  return { width, height, repaint };
}

/** The transparent pixels of a picture as a mask; undefined if it has none. */
export async function decodeTransparency(input: ImageInput, options: DecodeOptions = {}): Promise<Mask | undefined> {
  const opacity = await decodeOpacity(input, options);
  return opacity?.data.some(value => value < half) ? transparent(opacity) : undefined;
}

function transparent({ width, height, data }: Opacity): Mask {
  return { width, height, repaint: data.map(value => (value < half ? 1 : 0)) };
}

/** {@link coverMask} of a square of `size` x `size`. */
export function squareMask(mask: Mask, width: number, height: number, size: number): Mask {
  return coverMask(mask, { width, height }, { width: size, height: size });
}

/**
 * `mask` stretched over a picture of the size `picture`, of which the central part of the shape of `to` is taken and brought
 * to that size. A pixel is painted anew if any of what it covers is.
 */
export function coverMask(mask: Mask, picture: Size, to: Size): Mask {
  const crop = centralCrop(picture, to);
  const across = spans(mask.width / picture.width, crop.left, crop.width, to.width);
  const down = spans(mask.height / picture.height, crop.top, crop.height, to.height);
  const repaint = new Uint8Array(to.width * to.height);
  for (const [y, [top, bottom]] of down.entries()) {
    for (const [x, [left, right]] of across.entries()) {
      repaint[y * to.width + x] = anyInside(mask, left, top, right, bottom) ? 1 : 0;
    }
  }
  return { width: to.width, height: to.height, repaint };
}

/** The pixels of the mask that each of `size` pixels covers: first and beyond the last. */
function spans(scale: number, offset: number, side: number, size: number): [number, number][] {
  const edge = (i: number) => (offset + (i * side) / size) * scale;
  const tolerance = 1e-6; // of rounding: a pixel that is only touched is not covered
  return Array.from({ length: size }, (_, i) => [Math.floor(edge(i) + tolerance), Math.ceil(edge(i + 1) - tolerance)]);
}

function anyInside({ width, repaint }: Mask, left: number, top: number, right: number, bottom: number): boolean {
  for (let y = top; y < bottom; y++) {
    if (repaint.subarray(y * width + left, y * width + right).includes(1)) return true;
  }
  return false;
}

/** For each cell of a `cells` x `cells` grid over a square mask: 1 if all of its pixels are kept. */
export function keptCells(mask: Mask, cells: number): Uint8Array {
  const { repaint } = squareMask(mask, mask.width, mask.height, cells);
  return repaint.map(value => 1 - value);
}

/** `painted` where the mask says so, `original` elsewhere; all of one size. */
export function composite(original: Pixels, painted: Pixels, { repaint }: Mask): Pixels {
  if (original.data.length !== repaint.length * 3 || painted.data.length !== repaint.length * 3) {
    throw new DuetError('invalid-image', 'Pictures and mask must have one size');
  }
  const data = original.data.map((value, i) => (repaint[Math.floor(i / 3)] ? painted.data[i]! : value));
  return { width: original.width, height: original.height, data };
}
