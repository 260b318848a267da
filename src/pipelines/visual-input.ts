/** Pictures as the values that an image tower reads. */
import { cropSquare, type Pixels, pixels, type ResampleFilter, resample } from '../image/index.ts';

/** The mean and deviation of colours that CLIP and its kin were trained with. */
export const clipColours = {
  mean: [0.48145466, 0.4578275, 0.40821073],
  std: [0.26862954, 0.26130258, 0.27577711],
} as const;

export interface VisualInputRules {
  /** `stretch` to the square; its shorter side to the square's, then `crop` the middle; `pad` to a square with white. */
  readonly fit: 'stretch' | 'crop' | 'pad';
  readonly filter: ResampleFilter;
  /** Of values in [0, 1], by colour. */
  readonly mean: readonly [number, number, number];
  readonly std: readonly [number, number, number];
}

/** The picture's values for a tower of `side` pixels, normalised, [3, side, side]. */
export function visualInput(picture: Pixels, side: number, { fit, filter, mean, std }: VisualInputRules): Float32Array {
  const { data } = squared(picture, side, fit, filter);
  const area = side * side;
  const values = new Float32Array(3 * area);
  for (let colour = 0; colour < 3; colour++) {
    for (let at = 0; at < area; at++) {
      values[colour * area + at] = (data[at * 3 + colour]! / 255 - mean[colour]!) / std[colour]!;
    }
  }
  return values;
}

function squared(picture: Pixels, side: number, fit: VisualInputRules['fit'], filter: ResampleFilter): Pixels {
  if (fit === 'stretch') return resample(picture, side, side, filter);
  if (fit === 'pad') return resample(padded(picture), side, side, filter);
  const { width, height } = picture;
  const shorter = Math.min(width, height);
  // The longer side is rounded down, as transformers and torchvision do.
  const resized = (length: number) => Math.floor((side * length) / shorter);
  return cropSquare(resample(picture, resized(width), resized(height), filter));
}

/** In the middle of a white square. */
function padded({ width, height, data }: Pixels): Pixels {
  if (width === height) return { width, height, data };
  const side = Math.max(width, height);
  const [left, top] = [Math.floor((side - width) / 2), Math.floor((side - height) / 2)];
  const square = new Uint8Array(side * side * 3).fill(255);
  for (let row = 0; row < height; row++) {
    square.set(data.subarray(row * width * 3, (row + 1) * width * 3), ((row + top) * side + left) * 3);
  }
  return pixels(side, side, square);
}
