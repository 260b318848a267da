/**
 * What a network predicts, and how to read the data x0 and the noise eps from it, for x = alpha x0 + sigma eps:
 * `epsilon` (Ho et al., arXiv 2006.11239), `v` = alpha eps - sigma x0 (Salimans and Ho, arXiv 2202.00512), or `sample`,
 * the data itself. All three are affine in each other at a given x, so guidance is the same in any of them.
 */
import type { NoiseLevel } from './schedule.ts';
import { weightedSum } from './weighted-sum.ts';

export type PredictionType = 'epsilon' | 'v' | 'sample';

/** The data and the noise of x according to a network's prediction. */
export interface Estimate {
  readonly x0: Float32Array;
  readonly eps: Float32Array;
}

/** The estimate in a network's `output` for the state `x` at `level`; all of one length. */
export function estimate(
  type: PredictionType,
  x: Float32Array,
  output: Float32Array,
  { alpha, sigma }: NoiseLevel,
): Estimate {
  switch (type) {
    case 'epsilon':
      return { x0: remainder(x, sigma, output, alpha), eps: output };
    case 'v':
      return { x0: weightedSum([alpha, x], [-sigma, output]), eps: weightedSum([sigma, x], [alpha, output]) };
    case 'sample':
      return { x0: output, eps: remainder(x, alpha, output, sigma) };
  }
}

/** (x - weight part) / scale */
function remainder(x: Float32Array, weight: number, part: Float32Array, scale: number): Float32Array {
  const rest = new Float32Array(x.length);
  for (let i = 0; i < rest.length; i++) rest[i] = (x[i]! - weight * part[i]!) / scale;
  return rest;
}

/** The prediction that a network of this type is trained to make. */
export function predictionTarget(
  type: PredictionType,
  x0: Float32Array,
  eps: Float32Array,
  { alpha, sigma }: NoiseLevel,
): Float32Array {
  if (type === 'epsilon') return eps;
  if (type === 'sample') return x0;
  return weightedSum([alpha, eps], [-sigma, x0]);
}

/** The noised state x = alpha x0 + sigma eps. */
export function addNoise(x0: Float32Array, eps: Float32Array, { alpha, sigma }: NoiseLevel): Float32Array {
  return weightedSum([alpha, x0], [sigma, eps]);
}

/**
 * The min-SNR-gamma weight of a training loss (Hang et al., arXiv 2303.09556), relative to an unweighted loss on x0
 * divided by the weight that the prediction type brings itself: min(snr, gamma) / snr for epsilon,
 * min(snr, gamma) / (snr + 1) for v, min(snr, gamma) for the data.
 */
export function minSnrWeight(type: PredictionType, { lambda }: NoiseLevel, gamma = 5): number {
  const snr = Math.exp(2 * lambda);
  const clipped = Math.min(snr, gamma);
  return { epsilon: clipped / snr, v: clipped / (snr + 1), sample: clipped }[type];
}
