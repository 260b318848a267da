/** Convolution layers on NCHW images. Weights are stored [out, in, height, width]. */
import type * as tf from '@tensorflow/tfjs';
import { type Conv2dOptions, conv2d } from '../ops/index.ts';
import type { ParamSpec, Params } from './params.ts';

export type ConvSpec = {
  readonly weight: ParamSpec;
  readonly bias: ParamSpec;
};

/** A `kernel` x `kernel` convolution, initialised as torch does by default. */
export function convSpec(inputs: number, outputs: number, kernel: number): ConvSpec {
  const init = { kind: 'uniform-fan-in', fanIn: inputs * kernel * kernel } as const;
  return { weight: { shape: [outputs, inputs, kernel, kernel], init }, bias: { shape: [outputs], init } };
}

/** x [B, in, H, W] -> [B, out, H', W']. */
export function convLayer(params: Params<ConvSpec>, x: tf.Tensor, options: Conv2dOptions = {}): tf.Tensor {
  return conv2d(x, params.weight, params.bias, options);
}
