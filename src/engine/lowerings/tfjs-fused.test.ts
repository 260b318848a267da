import * as tf from '@tensorflow/tfjs';
import { between, check, forward, testKernels, wave, within } from '../../../test/support/kernel-table.ts';
import { tfjsFused } from './tfjs-fused.ts';

const activations = ['linear', 'relu', 'relu6', 'elu', 'sigmoid', 'leakyrelu'] as const;

const image = wave([1, 5, 5, 2], 0, 2);
const filter = wave([3, 3, 2, 4], 1);
const bias = wave([4], 2);
const depthwiseFilter = wave([3, 3, 2, 2], 1);
const alpha = between(0.1, 0.4, [4]);
const convolution = { strides: 1, pad: 'same' } as const;

testKernels(tfjsFused, {
  _FusedMatMul: within(
    1e-5,
    ...activations.map(activation =>
      forward(
        (a, b, bias) => tf.fused.matMul({ a: a!, b: b!, bias: bias!, activation, leakyreluAlpha: 0.3 }),
        wave([3, 4], 0, 2),
        wave([4, 5], 1),
        wave([5], 2),
      ),
    ),
    check(
      (a, b, bias) => tf.fused.matMul({ a: a!, b: b!, bias: bias!, activation: 'relu' }),
      wave([3, 4], 0, 2),
      wave([4, 5], 1),
      wave([5], 2),
    ),
    check((a, b) => tf.fused.matMul({ a: a!, b: b!, transposeA: true, transposeB: true }), wave([4, 3]), wave([5, 4])),
    forward(
      (a, b, alpha) => tf.fused.matMul({ a: a!, b: b!, activation: 'prelu', preluActivationWeights: alpha! }),
      wave([3, 4], 0, 2),
      wave([4, 5], 1),
      between(0.1, 0.4, [5]),
    ),
  ),
  FusedConv2D: within(
    1e-5,
    ...activations.map(activation =>
      forward(
        (x, filter, bias) =>
          tf.fused.conv2d({
            x: x as tf.Tensor4D,
            filter: filter as tf.Tensor4D,
            bias: bias!,
            activation,
            leakyreluAlpha: 0.2,
            ...convolution,
          }),
        image,
        filter,
        bias,
      ),
    ),
    check(
      (x, filter, bias) =>
        tf.fused.conv2d({
          x: x as tf.Tensor4D,
          filter: filter as tf.Tensor4D,
          bias: bias!,
          activation: 'relu',
          ...convolution,
        }),
      image,
      filter,
      bias,
    ),
    forward(
      (x, filter, alpha) =>
        tf.fused.conv2d({
          x: x as tf.Tensor4D,
          filter: filter as tf.Tensor4D,
          activation: 'prelu',
          preluActivationWeights: alpha!,
          ...convolution,
        }),
      image,
      filter,
      alpha,
    ),
  ),
  FusedDepthwiseConv2D: within(
    1e-5,
    ...activations.map(activation =>
      forward(
        (x, filter, bias) =>
          tf.fused.depthwiseConv2d({
            x: x as tf.Tensor4D,
            filter: filter as tf.Tensor4D,
            bias: bias!,
            activation,
            leakyreluAlpha: 0.2,
            ...convolution,
          }),
        image,
        depthwiseFilter,
        bias,
      ),
    ),
  ),
  FusedBatchNorm: within(
    1e-5,
    check(
      (x, mean, variance, offset, scale) =>
        tf.batchNorm(x!, mean as tf.Tensor1D, variance as tf.Tensor1D, offset as tf.Tensor1D, scale as tf.Tensor1D),
      wave([2, 3, 4]),
      wave([4], 1),
      between(0.5, 2, [4]),
      wave([4], 2),
      between(0.5, 2, [4], 3),
    ),
    forward(
      (x, mean, variance) => tf.batchNorm(x!, mean!, variance!, undefined, undefined, 0.1),
      wave([2, 3, 4]),
      wave([2, 3, 4], 1),
      between(0.5, 2, [2, 3, 4]),
    ),
    forward(
      (x, mean, variance) => tf.batchNorm(x!, mean as tf.Tensor1D, variance as tf.Tensor1D),
      wave([2, 4]),
      wave([4], 1),
      between(0.5, 2, [4]),
    ),
  ),
});
