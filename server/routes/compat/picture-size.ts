/**
 * Sizes on the wire. Some models draw square pictures of one size, their native one; other sizes are made by enlarging or
 * shrinking those, so asking for more pixels gives a smoother picture, never a more detailed one. Models with the options
 * width and height draw in the size that is asked for, or in the nearest one that they can.
 */
import type { Limits } from '../../../src/pipelines/index.ts';
import type { JobOptions } from '../../jobs/types.ts';
import type { ModelInfo } from '../../types.ts';
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

/** `"WIDTHxHEIGHT"`, or undefined for `auto` and nothing: the native size. @param field where it stands, for errors */
export function parseSize(text: string | undefined, field = 'size'): Size | undefined {
  const given = text?.trim().toLowerCase() ?? '';
  if (given === '' || given === 'auto') return undefined;
  const [, width, height] = sizePattern.exec(given) ?? [];
  const size = { width: Number(width), height: Number(height) };
  if (isSide(size.width) && isSide(size.height)) return size;
  const wanted = `Expected 'WIDTHxHEIGHT' with sides of ${smallestSide} to ${largestSide} pixels, or 'auto'`;
  throw new WireFault('invalid_value', field, `Invalid size '${given.slice(0, 40)}'. ${wanted}.`);
}

/** Whether pictures may have a side of so many pixels. */
export function isSide(pixels: number): boolean {
  return pixels >= smallestSide && pixels <= largestSide;
}

/** `64x64` */
export function formatSize({ width, height }: Size): string {
  return `${width}x${height}`;
}

/** The options by which a model draws a picture of `size` in `mode`; none of a model that draws one size alone. */
export function sizeOptions(size: Size | undefined, { calls, options }: ModelInfo, mode: string): JobOptions {
  const names = calls[mode]?.options ?? [];
  if (!size || !names.includes('width') || !names.includes('height')) return {};
  const nearest = (name: 'width' | 'height') => {
    const { minimum = 1, maximum = largestSide, multipleOf = 1 } = options[name] as Limits;
    return Math.min(maximum, Math.max(minimum, Math.round(size[name] / multipleOf) * multipleOf));
  };
  return { width: nearest('width'), height: nearest('height') };
}

/** The size of the pictures that a job of a model that draws makes. */
export function drawnSize({ width, height }: JobOptions, { imageSize = 0 }: ModelInfo): Size {
  return { width: width ?? height ?? imageSize, height: height ?? width ?? imageSize };
}
