/**
 * How far two pictures are apart, for all measures: pixels slightly blurred by the 3 x 3 binomial filter
 * [1 2 1] x [1 2 1] / 16 (borders repeated), taken at every second pixel in both directions, and compared by the root
 * mean square of the differences, in units of 0 to 255.
 */

/** Blurred samples of a picture, shape [size / 2, size / 2, 3]. */
export type Features = Uint8Array;

/** Blurs and subsamples RGB bytes of shape [size, size, 3]; `size` must be even. */
export function featuresOf(pixels: Uint8Array, size: number): Features {
  if (pixels.length !== size * size * 3) {
    throw new RangeError(`The picture must have ${size} x ${size} x 3 bytes, got ${pixels.length}`);
  }
  const half = size / 2;
  const across = new Uint16Array(size * half * 3);
  for (let y = 0, to = 0; y < size; y++) {
    const row = y * size * 3;
    for (let x = 0; x < half; x++) {
      const middle = row + x * 6;
      const left = x === 0 ? middle : middle - 3;
      for (let c = 0; c < 3; c++, to++) {
        across[to] =
          (pixels[left + c] as number) + 2 * (pixels[middle + c] as number) + (pixels[middle + 3 + c] as number);
      }
    }
  }
  const features = new Uint8Array(half * half * 3);
  const stride = half * 3;
  for (let y = 0, to = 0; y < half; y++) {
    const middle = y * 2 * stride;
    const above = y === 0 ? middle : middle - stride;
    for (let i = 0; i < stride; i++, to++) {
      const sum = (across[above + i] as number) + 2 * (across[middle + i] as number);
      features[to] = (sum + (across[middle + stride + i] as number) + 8) >> 4;
    }
  }
  return features;
}

/** A rectangle of feature positions: rows and columns, ends excluded. */
export interface Region {
  readonly top: number;
  readonly bottom: number;
  readonly left: number;
  readonly right: number;
}

/**
 * The sum of squared differences inside `region`; gives up with Infinity, after any row, once it exceeds `limit`.
 */
export function squaredDistance(a: Features, b: Features, side: number, region: Region, limit = Infinity): number {
  let sum = 0;
  for (let y = region.top; y < region.bottom; y++) {
    const end = (y * side + region.right) * 3;
    for (let i = (y * side + region.left) * 3; i < end; i++) {
      const difference = (a[i] as number) - (b[i] as number);
      sum += difference * difference;
    }
    if (sum > limit) return Infinity;
  }
  return sum;
}

/** The whole of the features of a picture with `side` feature rows. */
export function wholeRegion(side: number): Region {
  return { top: 0, bottom: side, left: 0, right: side };
}
