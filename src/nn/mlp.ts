/** The two-layer perceptron of transformer blocks. */
import type * as tf from '@tensorflow/tfjs';
import { type Activation, activate } from './activation.ts';
import { type LinearSpec, linearLayer, linearSpec } from './linear.ts';
import type { Params } from './params.ts';

export type MlpSpec = {
  readonly fc1: LinearSpec;
  readonly fc2: LinearSpec;
};

export function mlpSpec(width: number, hidden: number): MlpSpec {
  return { fc1: linearSpec(width, hidden), fc2: linearSpec(hidden, width) };
}

/** x [..., D] -> [..., D'] by way of a hidden layer. */
export function mlpLayer(params: Params<MlpSpec>, x: tf.Tensor, activation: Activation = 'erf'): tf.Tensor {
  return linearLayer(params.fc2, activate(linearLayer(params.fc1, x), activation));
}
