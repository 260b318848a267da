/** Normalisation of the last axis and its gradient: shared by layer and group normalisation. */
import type * as tf from '@tensorflow/tfjs';

/** xHat, the normalised tensor [..., D], and 1 / std [..., 1]. */
export interface Normalised {
  readonly xHat: tf.Tensor;
  readonly inverseStd: tf.Tensor;
}

export function normalise(x: tf.Tensor, epsilon: number): Normalised {
  const centred = x.sub(x.mean(-1, true));
  // Not rsqrt: a square root and a division keep full precision on every backend.
  const inverseStd = centred.square().mean(-1, true).add(epsilon).sqrt().reciprocal();
  return { xHat: centred.mul(inverseStd), inverseStd };
}

/** The gradient of x given that of xHat: (d - mean(d) - xHat mean(d xHat)) / std. */
export function normaliseGradient(dHat: tf.Tensor, { xHat, inverseStd }: Normalised): tf.Tensor {
  const projection = xHat.mul(dHat.mul(xHat).mean(-1, true));
  return dHat.sub(dHat.mean(-1, true)).sub(projection).mul(inverseStd);
}
