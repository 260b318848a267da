/**
 * Pictures in and out of files: sharp (libvips), loaded only when a picture is decoded or encoded.
 * Input comes from strangers: bytes and pixels are limited, and only raster formats are let in (an SVG is a program).
 */
import type SharpFactory from 'sharp';
import type { Metadata, OutputInfo, Sharp } from 'sharp';
import { DuetError } from '../core/errors.ts';
import { type DecodeOptions, type ImageInput, isPixels, nameOf, readImageBytes, tooLarge } from './image-input.ts';
import { cropCentre, type Pixels, type Size } from './pixels.ts';

export type ImageFormat = 'png' | 'webp' | 'jpeg';

/** As sharp calls what may be decoded. `heif` is AVIF alone: the codec of HEIC is not in sharp. */
export const rasterFormats = ['jpeg', 'png', 'webp', 'gif', 'heif', 'tiff'] as const;
const formatNames = 'JPEG, PNG, WebP, GIF, AVIF or TIFF';
const defaultMaxPixels = 100_000_000;

/** Decodes a picture upright (EXIF rotation applied), transparency on white. Throws DuetError 'invalid-image'. */
export async function decodeImage(input: ImageInput, options: DecodeOptions = {}): Promise<Pixels> {
  options.signal?.throwIfAborted();
  return isPixels(input) ? input : decodeInput(input, options, decodeBytes);
}

/** Reads a picture to its end without keeping its pixels: what passes can be decoded. Throws as `decodeImage` does. */
export async function checkImage(bytes: Uint8Array, options: DecodeOptions = {}): Promise<void> {
  await decodeInput(bytes, options, async (_, source, maxPixels) => {
    const { image } = await openImage(bytes, source, maxPixels);
    // Averaging looks at every pixel, and libvips streams: a few rows are in memory at a time.
    return readRaw(image.resize(8, 8, { fit: 'fill', fastShrinkOnLoad: false }), source);
  });
}

/** The opacity of each pixel of a picture, 0 to 255, upright; undefined if it has none. Throws as `decodeImage` does. */
export async function decodeOpacity(input: ImageInput, options: DecodeOptions = {}): Promise<Opacity | undefined> {
  options.signal?.throwIfAborted();
  return isPixels(input) ? undefined : decodeInput(input, options, decodeOpacityBytes);
}

export interface Opacity {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8Array;
}

async function decodeInput<T>(
  input: string | URL | Uint8Array,
  options: DecodeOptions,
  decode: (bytes: Uint8Array, source: string, maxPixels: number) => Promise<T>,
): Promise<T> {
  const bytes = await readImageBytes(input, options);
  const picture = await decode(bytes, nameOf(input), options.maxPixels ?? defaultMaxPixels);
  options.signal?.throwIfAborted();
  return picture;
}

/** The central square of `picture` resized (Lanczos) to `size` x `size`. */
export function squareImage(picture: Pixels, size: number): Promise<Pixels> {
  return coverImage(picture, { width: size, height: size });
}

/** The central part of `picture` that has the shape of `size`, resized to it (Lanczos). */
export async function coverImage(picture: Pixels, { width, height }: Size): Promise<Pixels> {
  const part = cropCentre(picture, { width, height });
  if (part.width === width && part.height === height) return part;
  const sharp = await loadSharp();
  const { data } = await sharp(part.data, { raw: { width: part.width, height: part.height, channels: 3 } })
    .resize(width, height, { kernel: 'lanczos3', fit: 'fill' })
    .raw()
    .toBuffer({ resolveWithObject: true });
  return { width, height, data: new Uint8Array(data) };
}

/** The bytes of a picture file. PNG is lossless; WebP and JPEG use `quality` 1-100 (default 90). */
export async function encodeImage(picture: Pixels, format: ImageFormat = 'png', quality = 90): Promise<Uint8Array> {
  const sharp = await loadSharp();
  const { width, height, data } = picture;
  const image = sharp(data, { raw: { width, height, channels: 3 } });
  const encoded = { png: () => image.png(), webp: () => image.webp({ quality }), jpeg: () => image.jpeg({ quality }) };
  return new Uint8Array(await encoded[format]().toBuffer());
}

/** The format that a file name asks for; PNG when it has no extension. */
export function formatOfFile(file: string): ImageFormat {
  const extension = /\.([a-z0-9]+)$/i.exec(file)?.[1]?.toLowerCase();
  if (extension === undefined || extension === 'png') return 'png';
  if (extension === 'webp') return 'webp';
  if (extension === 'jpg' || extension === 'jpeg') return 'jpeg';
  throw new DuetError('invalid-argument', `Cannot write a .${extension} file; end the name in .png, .webp or .jpg`);
}

/** A picture opened and checked, its pixels not yet read. */
async function openImage(
  bytes: Uint8Array,
  source: string,
  maxPixels: number,
): Promise<{ image: Sharp; info: Metadata }> {
  const sharp = await loadSharp();
  const image = sharp(bytes, { limitInputPixels: false, failOn: 'truncated' });
  const info = await image.metadata().catch((error: unknown) => {
    throw new DuetError('invalid-image', `${source} is not a picture that can be read; give ${formatNames}`, {
      cause: error,
    });
  });
  const { format, width, height } = info;
  if (!rasterFormats.some(name => name === format)) {
    throw new DuetError('invalid-image', `${source} is of the format ${format}; give ${formatNames}`);
  }
  if (width * height > maxPixels) throw tooLarge(source, `${width} x ${height} pixels`, `${maxPixels} pixels`);
  return { image, info };
}

async function readRaw(image: Sharp, source: string): Promise<{ data: Uint8Array; info: OutputInfo }> {
  return image
    .raw()
    .toBuffer({ resolveWithObject: true })
    .catch((error: unknown) => {
      const reason = error instanceof Error ? error.message : String(error);
      throw new DuetError('invalid-image', `${source} is a broken picture file: ${reason}`, { cause: error });
    });
}

async function decodeBytes(bytes: Uint8Array, source: string, maxPixels: number): Promise<Pixels> {
  const { image } = await openImage(bytes, source, maxPixels);
  const white = { r: 255, g: 255, b: 255 };
  const decoded = image.autoOrient().flatten({ background: white }).toColourspace('srgb');
  const { data, info } = await readRaw(decoded, source);
  return { width: info.width, height: info.height, data: asRgb(data, info.channels) };
}

async function decodeOpacityBytes(bytes: Uint8Array, source: string, maxPixels: number): Promise<Opacity | undefined> {
  const opened = await openImage(bytes, source, maxPixels);
  if (!opened.info.hasAlpha) return undefined;
  const decoded = opened.image.autoOrient().toColourspace('srgb').extractChannel('alpha');
  const { data, info } = await readRaw(decoded, source);
  return { width: info.width, height: info.height, data: new Uint8Array(data) };
}

/** sRGB has three channels except for grey pictures, which libvips may leave with one. */
function asRgb(data: Uint8Array, channels: number): Uint8Array {
  if (channels === 3) return new Uint8Array(data.buffer, data.byteOffset, data.byteLength); // it may be large: no copy
  const rgb = new Uint8Array((data.length / channels) * 3);
  for (let i = 0; i < rgb.length; i++) {
    rgb[i] = data[Math.floor(i / 3) * channels + (channels < 3 ? 0 : i % 3)]!;
  }
  return rgb;
}

/** Throws DuetError 'missing-dependency'. */
export async function loadSharp(): Promise<typeof SharpFactory> {
  try {
    return (await import('sharp')).default;
  } catch (error) {
    throw new DuetError('missing-dependency', 'Pictures need the package sharp: npm install sharp', { cause: error });
  }
}
