/** Finished pictures in the size and format that a client asks for. */
import type { FastifyRequest } from 'fastify';
import sharp, { type Sharp } from 'sharp';
import { type PictureParameters, readParameters, withParameters } from '../../../src/image/index.ts';
import type { Rendering } from '../../jobs/types.ts';
import { originOf } from './origin.ts';
import { formatSize, type Size } from './picture-size.ts';

/** Of jpeg and webp, where a client asks for none. */
export const defaultQuality = 90;

/** `png` as a file of `rendering`, with the parameters that it carries; the same bytes if nothing is to be changed. */
export async function renderPicture(png: Uint8Array, { size, format, quality }: Rendering): Promise<Uint8Array> {
  const { width, height } = await sharp(png).metadata();
  const resized = size && (size.width !== width || size.height !== height);
  if (!resized && format === 'png') return png;
  const image = resized ? fitInto(sharp(png), { width, height }, size) : sharp(png);
  const encoded = { png: () => image.png(), webp: () => image.webp({ quality }), jpeg: () => image.jpeg({ quality }) };
  const { data, info } = await encoded[format]().toBuffer({ resolveWithObject: true });
  const { parameters } = readParameters(png) ?? {};
  if (!parameters) return new Uint8Array(data);
  return withParameters(data, {
    ...parameters,
    width: info.width,
    height: info.height,
  } as unknown as PictureParameters);
}

/**
 * Where a job's picture is served as a file of the rendering. Results are kept at least for the hour that clients count on:
 * see `maxAgeHours`.
 */
export function renderedUrl(
  request: FastifyRequest,
  id: string,
  file: string,
  { size, format, quality }: Rendering,
): string {
  const query = new URLSearchParams({ format, quality: String(quality), ...(size && { size: formatSize(size) }) });
  return `${originOf(request)}/v1/images/files/${id}/${file}?${query}`;
}

/** As large as fits, centred; where the shape differs, the edges are continued. */
function fitInto(image: Sharp, from: Size, to: Size): Sharp {
  const scale = Math.min(to.width / from.width, to.height / from.height);
  const width = Math.min(to.width, Math.max(1, Math.round(from.width * scale)));
  const height = Math.min(to.height, Math.max(1, Math.round(from.height * scale)));
  const left = Math.floor((to.width - width) / 2);
  const top = Math.floor((to.height - height) / 2);
  return image
    .resize(width, height, { kernel: 'lanczos3', fit: 'fill' })
    .extend({ left, right: to.width - width - left, top, bottom: to.height - height - top, extendWith: 'copy' });
}
