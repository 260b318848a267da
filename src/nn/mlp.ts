/** The two-layer perceptron of transformer blocks. */
import type * as tf from '@tensorflow/tfjs';
import { type GeluApproximation, gelu } from '../ops/index.ts';
import { type LinearSpec, linearLayer, linearSpec } from './linear.ts';
import type { Params } from './params.ts';

export type MlpSpec = {
  readonly fc1: LinearSpec;
  readonly fc2: LinearSpec;
};

export function mlpSpec(width: number, hidden: number): MlpSpec {
  return { fc1: linearSpec(width, hidden), fc2: linearSpec(hidden, width) };
}

/** x [..., D] -> [..., D] by way of a hidden layer with GELU. */
export function mlpLayer(params: Params<MlpSpec>, x: tf.Tensor, approximation: GeluApproximation = 'erf'): tf.Tensor {
  return linearLayer(params.fc2, gelu(linearLayer(params.fc1, x), approximation));
}
