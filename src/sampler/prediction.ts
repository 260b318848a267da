/**
 * What a network predicts, and how to read the data x0 and the noise eps from it, for x = alpha x0 + sigma eps:
 * `epsilon` (Ho et al., arXiv 2006.11239), `v` = alpha eps - sigma x0 (Salimans and Ho, arXiv 2202.00512), or `sample`,
 * the data itself. All three are affine in each other at a given x, so guidance is the same in any of them.
 */
import type { NoiseLevel } from './schedule.ts';

export type PredictionType = 'epsilon' | 'v' | 'sample';

/** A network's answer, understood: the data and the noise it sees in x. */
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
      return { x0: x.map((value, i) => (value - sigma * output[i]!) / alpha), eps: output };
    case 'v':
      return {
        x0: x.map((value, i) => alpha * value - sigma * output[i]!),
        eps: x.map((value, i) => sigma * value + alpha * output[i]!),
      };
    case 'sample':
      return { x0: output, eps: x.map((value, i) => (value - alpha * output[i]!) / sigma) };
  }
}

/** What a network of this type should answer: the target of training. */
export function predictionTarget(
  type: PredictionType,
  x0: Float32Array,
  eps: Float32Array,
  { alpha, sigma }: NoiseLevel,
): Float32Array {
  if (type === 'epsilon') return eps;
  if (type === 'sample') return x0;
  return x0.map((value, i) => alpha * eps[i]! - sigma * value);
}

/** The noised state x = alpha x0 + sigma eps. */
export function addNoise(x0: Float32Array, eps: Float32Array, { alpha, sigma }: NoiseLevel): Float32Array {
  return x0.map((value, i) => alpha * value + sigma * eps[i]!);
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
