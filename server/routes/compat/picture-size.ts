/**
 * Sizes on the wire. A model draws square pictures of one size, its native one; other sizes are made by enlarging or
 * shrinking those, so asking for more pixels gives a smoother picture, never a more detailed one.
 */
import { WireFault } from './wire-fault.ts';

export interface Size {
  readonly width: number;
  readonly height: number;
}

/** Larger than any size of OpenAI's; ten pictures of it fit easily in memory. */
export const largestSide = 2048;
export const smallestSide = 16;

/** As people write it: `1024x1024`, `1024X1024`, `1024 x 1024`, `1024*1024`, `1024×1024`. */
const sizePattern = /^(\d{1,5})\s*[x*×]\s*(\d{1,5})$/;

/** `"WIDTHxHEIGHT"`, or undefined for `auto` and nothing: the native size. */
export function parseSize(text: string | undefined): Size | undefined {
  const given = text?.trim().toLowerCase() ?? '';
  if (given === '' || given === 'auto') return undefined;
  const [, width, height] = sizePattern.exec(given) ?? [];
  const size = { width: Number(width), height: Number(height) };
  if (isSide(size.width) && isSide(size.height)) return size;
  const wanted = `Expected 'WIDTHxHEIGHT' with sides of ${smallestSide} to ${largestSide} pixels, or 'auto'`;
  throw new WireFault('invalid_value', 'size', `Invalid size '${given.slice(0, 40)}'. ${wanted}.`);
}

/** Whether pictures may have a side of so many pixels. */
export function isSide(pixels: number): boolean {
  return pixels >= smallestSide && pixels <= largestSide;
}

/** `64x64` */
export function formatSize({ width, height }: Size): string {
  return `${width}x${height}`;
}
