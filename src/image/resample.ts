/**
 * Resizing as Pillow does it, to the byte: models are trained on its pictures. The filter widens with the shrink factor
 * (antialiasing); rows first, then columns, each pass rounded to bytes, with weights in fixed point.
 */
import { DuetError } from '../core/errors.ts';
import { type Pixels, pixels } from './pixels.ts';

export type ResampleFilter = 'bilinear' | 'bicubic' | 'lanczos';

const sinc = (x: number) => (x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x));

/** Keys' cubic convolution with a = -0.5. */
function cubic(x: number): number {
  const t = Math.abs(x);
  if (t < 1) return (1.5 * t - 2.5) * t * t + 1;
  return t < 2 ? ((-0.5 * t + 2.5) * t - 4) * t + 2 : 0;
}

/** Half-width at factor 1, and value at a distance. */
const filters: Readonly<Record<ResampleFilter, { readonly support: number; readonly value: (x: number) => number }>> = {
  bilinear: { support: 1, value: x => Math.max(0, 1 - Math.abs(x)) },
  bicubic: { support: 2, value: cubic },
  lanczos: { support: 3, value: x => (Math.abs(x) < 3 ? sinc(x) * sinc(x / 3) : 0) },
};

/** Pillow's fixed point: bits behind the point. */
const ONE = 2 ** 22;

interface Taps {
  readonly first: number;
  /** In fixed point. */
  readonly weights: readonly number[];
}

function tapsOf(from: number, to: number, filter: ResampleFilter): Taps[] {
  const { support, value } = filters[filter];
  const scale = from / to;
  const stretch = Math.max(scale, 1);
  const reach = support * stretch;
  return Array.from({ length: to }, (_, index) => {
    const centre = (index + 0.5) * scale;
    const first = Math.max(0, Math.trunc(centre - reach + 0.5));
    const end = Math.min(from, Math.trunc(centre + reach + 0.5));
    const raw = Array.from({ length: end - first }, (_, tap) => value((first + tap - centre + 0.5) * (1 / stretch)));
    const sum = raw.reduce((total, weight) => total + weight, 0);
    const fixed = raw.map(weight => {
      const scaled = (sum === 0 ? weight : weight / sum) * ONE;
      return Math.trunc(scaled < 0 ? scaled - 0.5 : scaled + 0.5);
    });
    return { first, weights: fixed };
  });
}

/** Rows of `picture` resized to `width`. */
function resizeRows({ width: from, height, data }: Pixels, width: number, filter: ResampleFilter): Pixels {
  const out = new Uint8ClampedArray(width * height * 3);
  const taps = tapsOf(from, width, filter);
  for (let y = 0; y < height; y++) {
    for (const [x, { first, weights }] of taps.entries()) {
      for (let c = 0; c < 3; c++) {
        let sum = ONE / 2;
        const begin = (y * from + first) * 3 + c;
        for (let tap = 0; tap < weights.length; tap++) sum += data[begin + tap * 3]! * weights[tap]!;
        out[(y * width + x) * 3 + c] = Math.floor(sum / ONE);
      }
    }
  }
  return pixels(width, height, new Uint8Array(out.buffer));
}

/** Columns for rows. */
function transpose({ width, height, data }: Pixels): Pixels {
  const out = new Uint8Array(data.length);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const at = (y * width + x) * 3;
      out.set(data.subarray(at, at + 3), (x * height + y) * 3);
    }
  }
  return pixels(height, width, out);
}

/**
 * `picture` as `width` x `height`.
 * @throws DuetError `invalid-image` unless both are whole numbers from 1
 */
export function resample(picture: Pixels, width: number, height: number, filter: ResampleFilter): Pixels {
  if (![width, height].every(side => Number.isSafeInteger(side) && side > 0)) {
    throw new DuetError('invalid-image', `A picture needs whole sides of at least 1 pixel, got ${width} x ${height}`);
  }
  const rows = picture.width === width ? picture : resizeRows(picture, width, filter);
  return rows.height === height ? rows : transpose(resizeRows(transpose(rows), height, filter));
}
