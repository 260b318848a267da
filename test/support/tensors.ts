/** Tensors and comparisons for tests of ops and networks. */
import * as tf from '@tensorflow/tfjs';

/** A smooth, non-symmetric tensor: cos(0.7 i + phase) * amplitude. */
export function wave(shape: number[], phase = 0, amplitude = 1): tf.Tensor {
  const size = shape.reduce((a, b) => a * b, 1);
  return tf.tensor(
    Float32Array.from({ length: size }, (_, i) => amplitude * Math.cos(0.7 * i + phase)),
    shape,
    'float32',
  );
}

/** The largest absolute difference; infinite when the shapes differ, NaN when one value is. */
export function largestDifference(a: tf.Tensor, b: tf.Tensor): number {
  if (`${a.shape}` !== `${b.shape}`) return Number.POSITIVE_INFINITY;
  const [x, y] = [a.dataSync<'float32'>(), b.dataSync<'float32'>()];
  return x.reduce((worst, value, i) => {
    const difference = Math.abs(value - y[i]!);
    return Number.isNaN(difference) || difference > worst ? difference : worst;
  }, 0);
}

/** Gradients of sum(f(...xs) * wave) for each x, by automatic differentiation. */
export function autodiff(f: (...xs: tf.Tensor[]) => tf.Tensor, xs: tf.Tensor[]): tf.Tensor[] {
  const loss = (...args: tf.Tensor[]) => {
    const y = f(...args);
    return y.mul(wave(y.shape, 0.3)).sum().asScalar();
  };
  return tf.grads(loss)(xs);
}

/** The largest difference between the gradients of two implementations of one function. */
export function largestGradientDifference(
  f: (...xs: tf.Tensor[]) => tf.Tensor,
  g: (...xs: tf.Tensor[]) => tf.Tensor,
  xs: tf.Tensor[],
): number {
  const [a, b] = [autodiff(f, xs), autodiff(g, xs)];
  return Math.max(...a.map((gradient, i) => largestDifference(gradient, b[i]!)));
}
