import type * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { check, type KernelCase, testKernels, wave, within } from '../../../test/support/kernel-table.ts';
import { conv2d, upsample2x } from '../../ops/index.ts';
import { convolutions } from './convolution.ts';

const upTo = (max: number, min = 1) => fc.integer({ min, max });

/** One convolution with bias, of any stride and one-sided padding. */
function convolution(
  image: number[],
  [outputs, height, width]: [number, number, number],
  stride: number,
  pad: [number, number, number, number],
): KernelCase {
  const weight = wave([outputs, image[1]!, height, width], 1);
  return check((x, w, b) => conv2d(x!, w!, b, { stride, pad }), wave(image), weight, wave([outputs], 2));
}

const samples = fc
  .sample(
    fc.record({
      image: fc.tuple(upTo(2), upTo(3), upTo(7, 3), upTo(7, 3)),
      kernel: fc.tuple(upTo(3), upTo(3), upTo(3)),
      stride: upTo(3),
      pad: fc.tuple(upTo(2, 0), upTo(2, 0), upTo(2, 0), upTo(2, 0)),
    }),
    { numRuns: 16, seed: 21 },
  )
  .map(({ image, kernel, stride, pad }) => convolution(image, kernel, stride, pad));

const cases: KernelCase[] = within(
  1e-5,
  convolution([2, 3, 5, 6], [4, 3, 3], 1, [1, 1, 1, 1]),
  // The autoencoder's downsampling: zeros right and bottom only.
  convolution([1, 2, 6, 6], [2, 3, 3], 2, [0, 0, 1, 1]),
  convolution([2, 3, 4, 4], [5, 1, 1], 1, [0, 0, 0, 0]),
  // Patches.
  convolution([2, 3, 8, 8], [4, 2, 2], 2, [0, 0, 0, 0]),
  convolution([1, 1, 5, 5], [1, 3, 3], 1, [2, 2, 2, 2]),
  check((x, w) => conv2d(x!, w!, undefined, { pad: [1, 1, 1, 1] }), wave([1, 2, 4, 4]), wave([2, 2, 3, 3], 1)),
  ...samples,
);

const upsampled: KernelCase[] = [
  [2, 3, 2, 4],
  [1, 1, 1, 1],
  [1, 2, 5, 3],
].map(shape => check((x: tf.Tensor) => upsample2x(x), wave(shape)));

testKernels(convolutions, {
  DuetConv2d: cases,
  DuetConv2dInputGrad: cases,
  DuetConv2dWeightGrad: cases,
  DuetUpsample2x: upsampled,
  DuetUpsample2xGrad: upsampled,
});
