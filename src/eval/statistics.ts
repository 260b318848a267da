/** Small statistics: Wilson's interval for rates, a normal interval for means, median, PSNR. */

/** A value with its 95 % interval. */
export interface Interval {
  readonly value: number;
  readonly low: number;
  readonly high: number;
}

/** The 97.5 % quantile of the standard normal distribution. */
const z = 1.959963984540054;

/** `successes` of `total` with Wilson's 95 % score interval (Wilson 1927). NaN when total is 0. */
export function wilson(successes: number, total: number): Interval {
  if (total === 0) return { value: Number.NaN, low: Number.NaN, high: Number.NaN };
  const p = successes / total;
  const scale = 1 + z ** 2 / total;
  const center = (p + z ** 2 / (2 * total)) / scale;
  const half = (z / scale) * Math.sqrt((p * (1 - p)) / total + z ** 2 / (4 * total ** 2));
  return { value: p, low: Math.max(0, center - half), high: Math.min(1, center + half) };
}

/** The mean with the normal 95 % interval of its standard error. NaN for an empty list. */
export function meanInterval(values: readonly number[]): Interval {
  const n = values.length;
  const value = values.reduce((sum, v) => sum + v, 0) / n;
  const variance = values.reduce((sum, v) => sum + (v - value) ** 2, 0) / Math.max(1, n - 1);
  const half = z * Math.sqrt(variance / n);
  return { value, low: value - half, high: value + half };
}

/** The middle value, the mean of both for an even number. NaN for an empty list. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const half = sorted.length >> 1;
  const upper = sorted[half] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[half - 1] ?? Number.NaN)) / 2;
}

/** Peak signal-to-noise ratio of two pictures of bytes, in dB; equal pictures count as 99 dB. */
export function psnr(a: Uint8Array, b: Uint8Array): number {
  if (a.length !== b.length) throw new RangeError(`psnr needs pictures of one size, got ${a.length} and ${b.length}`);
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += ((a[i] as number) - (b[i] as number)) ** 2;
  return Math.min(99, 10 * Math.log10((255 ** 2 * a.length) / sum));
}

/** The median {@link psnr} of drawn pictures to the true ones, in dB. */
export function medianPsnr(drawn: readonly Uint8Array[], truth: readonly Uint8Array[]): number {
  return median(drawn.map((picture, i) => psnr(picture, truth[i] as Uint8Array)));
}
