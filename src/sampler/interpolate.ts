/** Small numerics that must agree with NumPy's. */

/**
 * The piecewise linear function through the points (xs[i], ys[i]), `xs` ascending, at `x`; beyond the ends it goes on
 * along the first and the last piece. Needs at least one point.
 */
export function interpolate(xs: Float64Array, ys: Float64Array, x: number): number {
  if (xs.length === 1) return ys[0]!;
  let low = 0;
  let high = xs.length - 1;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (xs[middle]! <= x) low = middle;
    else high = middle;
  }
  const weight = (x - xs[low]!) / (xs[high]! - xs[low]!);
  return ys[low]! + weight * (ys[high]! - ys[low]!);
}

/** Rounds to the nearest integer, ties to the even one. */
export function roundHalfEven(value: number): number {
  const down = Math.floor(value);
  if (value - down !== 0.5) return Math.round(value);
  return down % 2 === 0 ? down : down + 1;
}
