import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { check, forward, type KernelCase, testKernels, wave, within } from '../../../test/support/kernel-table.ts';
import { compile } from '../index.ts';
import { nhwcConvolutions } from './nhwc-convolution.ts';

const upTo = (max: number, min = 1) => fc.integer({ min, max });

/** Images, filters, strides and paddings that fit: seeded samples. */
const samples = fc.sample(
  fc.record({
    batch: upTo(2),
    height: upTo(7, 3),
    width: upTo(7, 3),
    channels: upTo(3),
    outputs: upTo(3),
    kernel: fc.tuple(upTo(3), upTo(3)),
    strides: fc.tuple(upTo(3), upTo(3)),
    pad: fc.constantFrom('same' as const, 'valid' as const, 1),
  }),
  { numRuns: 12, seed: 9 },
);

type Convolution = (
  x: tf.Tensor4D,
  filter: tf.Tensor4D,
  strides: [number, number] | number,
  pad: 'same' | 'valid' | number,
) => tf.Tensor;

function convolution(convolve: Convolution): KernelCase[] {
  const f = (strides: [number, number] | number, pad: 'same' | 'valid' | number) => (x: tf.Tensor, filter: tf.Tensor) =>
    convolve(x as tf.Tensor4D, filter as tf.Tensor4D, strides, pad);
  return [
    check(f(1, 'same'), wave([2, 5, 6, 3]), wave([3, 3, 3, 4], 1)),
    check(f(2, 'same'), wave([1, 6, 5, 2]), wave([3, 3, 2, 2], 1)),
    check(f(1, 'valid'), wave([1, 4, 4, 2]), wave([1, 1, 2, 3], 1)),
    check(f(3, 'valid'), wave([1, 7, 8, 1]), wave([2, 2, 1, 2], 1)),
    ...samples.map(({ batch, height, width, channels, outputs, kernel, strides, pad }) =>
      check(f(strides, pad), wave([batch, height, width, channels]), wave([...kernel, channels, outputs], 1)),
    ),
  ];
}

const plain: KernelCase[] = within(1e-5, ...convolution((...args) => tf.conv2d(...args)));
const depthwise: KernelCase[] = within(1e-5, ...convolution((...args) => tf.depthwiseConv2d(...args)));
const dilated = (x: tf.Tensor, filter: tf.Tensor) =>
  [x as tf.Tensor4D, filter as tf.Tensor4D, 1, 'same', 'NHWC', 2] as const;

testKernels(nhwcConvolutions, {
  Conv2D: [
    ...plain,
    ...within(
      1e-5,
      forward((x, filter) => tf.conv2d(...dilated(x!, filter!)), wave([1, 6, 6, 2]), wave([3, 3, 2, 2], 1)),
      check(
        (x, filter) => tf.conv2d(x as tf.Tensor3D, filter as tf.Tensor4D, 1, 'same'),
        wave([4, 4, 2]),
        wave([3, 3, 2, 2]),
      ),
    ),
  ],
  Conv2DBackpropInput: [
    ...plain,
    ...within(
      1e-5,
      check(
        (x, filter) => tf.conv2dTranspose(x as tf.Tensor4D, filter as tf.Tensor4D, [1, 8, 8, 3], 2, 'same'),
        wave([1, 4, 4, 2]),
        wave([3, 3, 3, 2], 1),
      ),
    ),
  ],
  Conv2DBackpropFilter: plain,
  DepthwiseConv2dNative: [
    ...depthwise,
    ...within(
      1e-5,
      forward((x, filter) => tf.depthwiseConv2d(...dilated(x!, filter!)), wave([1, 6, 6, 2]), wave([3, 3, 2, 2], 1)),
      check(
        (x, filter, pointwise) =>
          tf.separableConv2d(x as tf.Tensor4D, filter as tf.Tensor4D, pointwise as tf.Tensor4D, 1, 'same'),
        wave([1, 5, 5, 2]),
        wave([3, 3, 2, 2], 1),
        wave([1, 1, 4, 3], 2),
      ),
    ),
  ],
  DepthwiseConv2dNativeBackpropInput: depthwise,
  DepthwiseConv2dNativeBackpropFilter: depthwise,
});

test('NCHW through tf.conv2d is refused, with a way out', async () => {
  const executable = await compile(
    ({ inputs: { x } }) => ({ outputs: { y: tf.conv2d(x as tf.Tensor4D, tf.ones([1, 1, 2, 2]), 1, 'same', 'NCHW') } }),
    { inputs: { x: { dtype: 'float32', shape: [1, 2, 3, 3] } } },
  );
  await expect(executable.run({ x: wave([1, 2, 3, 3]) })).rejects.toThrow(/NHWC only.*src\/ops/);
  await executable.release();
});
