/** Activations of perceptrons by name. */
import * as tf from '@tensorflow/tfjs';
import { type GeluApproximation, gelu, silu } from '../ops/index.ts';

/** `erf`, `tanh` and `quick` are forms of GELU. */
export type Activation = GeluApproximation | 'relu' | 'silu';

/** Elementwise. */
export function activate(x: tf.Tensor, activation: Activation): tf.Tensor {
  if (activation === 'silu') return silu(x);
  return activation === 'relu' ? tf.relu(x) : gelu(x, activation);
}
