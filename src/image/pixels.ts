/** Pictures as plain RGB bytes, and their two pure forms: network tensors in [-1, 1] and grids of several pictures. */
import { DuetError } from '../core/errors.ts';
import { float32, type HostTensor } from '../core/host-tensor.ts';

/** An 8-bit sRGB picture: `data` holds `height` rows of `width` pixels of three bytes. */
export interface Pixels {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8Array;
}

/** Sides in pixels. */
export type Size = Pick<Pixels, 'width' | 'height'>;

/** Checks that `data` fills a picture of `width` x `height`. */
export function pixels(width: number, height: number, data: Uint8Array): Pixels {
  if (!Number.isInteger(width) || !Number.isInteger(height) || width < 1 || height < 1) {
    throw new DuetError('invalid-image', `A picture needs whole sides of at least 1 pixel, got ${width} x ${height}`);
  }
  if (data.length !== width * height * 3) {
    throw new DuetError(
      'invalid-image',
      `A picture of ${width} x ${height} RGB pixels needs ${width * height * 3} bytes, got ${data.length}`,
    );
  }
  return { width, height, data };
}

/** Pictures of one size as a tensor [B, 3, H, W] in [-1, 1]: byte / 127.5 - 1 (docs/reference/unidiffuser.md). */
export function toNetwork(pictures: readonly Pixels[]): HostTensor {
  const [first] = pictures;
  if (!first) throw new DuetError('invalid-argument', 'A batch needs at least one picture, got none');
  const { width, height } = first;
  const plane = width * height;
  const values = new Float32Array(pictures.length * 3 * plane);
  for (const [b, picture] of pictures.entries()) {
    if (picture.width !== width || picture.height !== height) {
      const sizes = `${width} x ${height} and ${picture.width} x ${picture.height}`;
      throw new DuetError('invalid-image', `Pictures of one batch must have one size, got ${sizes}; resize them first`);
    }
    for (let i = 0; i < plane; i++) {
      for (let c = 0; c < 3; c++) values[(b * 3 + c) * plane + i] = picture.data[i * 3 + c]! / 127.5 - 1;
    }
  }
  return float32([pictures.length, 3, height, width], values);
}

/** The pictures of a tensor [B, 3, H, W]; values outside [-1, 1] are clamped, NaN becomes black. */
export function fromNetwork(tensor: HostTensor): Pixels[] {
  const [batch, channels, height, width] = tensor.shape;
  if (tensor.shape.length !== 4 || channels !== 3 || !batch || !height || !width) {
    throw new DuetError('invalid-argument', `Pictures come as [B, 3, H, W], got [${tensor.shape.join(', ')}]`);
  }
  const plane = height * width;
  return Array.from({ length: batch }, (_, b) => {
    const data = new Uint8ClampedArray(plane * 3); // rounds and clamps
    for (let i = 0; i < plane; i++) {
      for (let c = 0; c < 3; c++) data[i * 3 + c] = (tensor.data[(b * 3 + c) * plane + i]! + 1) * 127.5;
    }
    return { width, height, data: new Uint8Array(data.buffer) };
  });
}

/** Part of a picture: its place and its sides. */
export interface Crop {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

/** The largest part from the centre of a picture that has the shape of `to`, offsets rounded down. */
export function centralCrop(picture: Size, to: Size): Crop {
  const width = Math.max(1, Math.min(picture.width, Math.round((picture.height * to.width) / to.height)));
  const height = Math.max(1, Math.min(picture.height, Math.round((picture.width * to.height) / to.width)));
  const left = Math.floor((picture.width - width) / 2);
  const top = Math.floor((picture.height - height) / 2);
  return { left, top, width, height };
}

/** The central square of the shorter side, offsets rounded down (docs/reference/unidiffuser.md). */
export function cropSquare(picture: Pixels): Pixels {
  return cropCentre(picture, { width: 1, height: 1 });
}

/** {@link centralCrop} of `picture`. */
export function cropCentre(picture: Pixels, to: Size): Pixels {
  const { left, top, width, height } = centralCrop(picture, to);
  if (width === picture.width && height === picture.height) return picture;
  const data = new Uint8Array(width * height * 3);
  for (let row = 0; row < height; row++) {
    const begin = ((top + row) * picture.width + left) * 3;
    data.set(picture.data.subarray(begin, begin + width * 3), row * width * 3);
  }
  return { width, height, data };
}

/** Every pixel repeated `factor` times each way, edges kept sharp. */
export function enlarge(picture: Pixels, factor: number): Pixels {
  const width = picture.width * factor;
  const height = picture.height * factor;
  const data = new Uint8Array(width * height * 3);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const from = (Math.floor(y / factor) * picture.width + Math.floor(x / factor)) * 3;
      data.set(picture.data.subarray(from, from + 3), (y * width + x) * 3);
    }
  }
  return { width, height, data };
}

export interface GridOptions {
  /** @default the smallest square that holds all */
  readonly columns?: number;
  /** Pixels between pictures and around them. @default 2 */
  readonly gap?: number;
  /** Colour of the gaps. @default [255, 255, 255] */
  readonly background?: readonly [number, number, number];
}

/** Pictures side by side, row by row; every cell has the size of the largest picture. */
export function pictureGrid(pictures: readonly Pixels[], options: GridOptions = {}): Pixels {
  if (pictures.length === 0) throw new DuetError('invalid-argument', 'A grid needs at least one picture, got none');
  const columns = Math.min(pictures.length, options.columns ?? Math.ceil(Math.sqrt(pictures.length)));
  if (!Number.isInteger(columns) || columns < 1) {
    throw new DuetError('invalid-argument', `A grid needs a whole number of columns from 1, got ${options.columns}`);
  }
  const gap = options.gap ?? 2;
  const cellWidth = Math.max(...pictures.map(picture => picture.width));
  const cellHeight = Math.max(...pictures.map(picture => picture.height));
  const width = columns * (cellWidth + gap) + gap;
  const height = Math.ceil(pictures.length / columns) * (cellHeight + gap) + gap;
  const data = new Uint8Array(width * height * 3);
  const background = options.background ?? [255, 255, 255];
  for (let i = 0; i < data.length; i++) data[i] = background[i % 3]!;
  for (const [index, picture] of pictures.entries()) {
    const left = gap + (index % columns) * (cellWidth + gap);
    const top = gap + Math.floor(index / columns) * (cellHeight + gap);
    for (let row = 0; row < picture.height; row++) {
      const begin = row * picture.width * 3;
      data.set(picture.data.subarray(begin, begin + picture.width * 3), ((top + row) * width + left) * 3);
    }
  }
  return { width, height, data };
}
