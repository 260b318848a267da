/** Pictures as the values that an image tower reads. */
import { cropSquare, type Pixels, pixels, resample } from '../image/index.ts';

export interface VisualInputRules {
  readonly fit: 'stretch' | 'crop' | 'pad';
  readonly filter: 'bilinear' | 'bicubic';
  /** Of values in [0, 1], by colour. */
  readonly mean: readonly [number, number, number];
  readonly std: readonly [number, number, number];
}

/** The picture's values for a tower of `side` pixels, normalised, [3, side, side]. */
export function visualInput(picture: Pixels, side: number, { fit, filter, mean, std }: VisualInputRules): Float32Array {
  const { data } = resample(fitted(picture, fit), side, side, filter);
  const area = side * side;
  const values = new Float32Array(3 * area);
  for (let colour = 0; colour < 3; colour++) {
    for (let at = 0; at < area; at++) {
      values[colour * area + at] = (data[at * 3 + colour]! / 255 - mean[colour]!) / std[colour]!;
    }
  }
  return values;
}

function fitted(picture: Pixels, fit: VisualInputRules['fit']): Pixels {
  if (fit === 'stretch' || picture.width === picture.height) return picture;
  return fit === 'crop' ? cropSquare(picture) : padded(picture);
}

/** In the middle of a white square. */
function padded({ width, height, data }: Pixels): Pixels {
  const side = Math.max(width, height);
  const [left, top] = [Math.floor((side - width) / 2), Math.floor((side - height) / 2)];
  const square = new Uint8Array(side * side * 3).fill(255);
  for (let row = 0; row < height; row++) {
    square.set(data.subarray(row * width * 3, (row + 1) * width * 3), ((row + top) * side + left) * 3);
  }
  return pixels(side, side, square);
}
