/** Finished pictures in the size and format that a client asks for. */
import sharp, { type Sharp } from 'sharp';
import { type ImageFormat, type PictureParameters, readParameters, withParameters } from '../../../src/image/index.ts';
import type { Size } from './picture-size.ts';

export interface Rendering {
  /** @default the picture's own */
  readonly size?: Size | undefined;
  readonly format: ImageFormat;
  /** 1 to 100, of jpeg and webp. */
  readonly quality: number;
}

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
