import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { largestDifference, largestGradientDifference, wave } from '../../test/support/tensors.ts';
import { conv2d, upsample2x } from './index.ts';
import type { Padding } from './kernel-names.ts';

/** A sum over filter taps of shifted, strided images: uses no convolution. */
function composed(
  x: tf.Tensor,
  weight: tf.Tensor,
  bias: tf.Tensor | undefined,
  stride: number,
  pad: Padding,
): tf.Tensor {
  const [top, left, bottom, right] = pad;
  const padded = x.pad([
    [0, 0],
    [0, 0],
    [top, bottom],
    [left, right],
  ]);
  const [batch, channels, height, width] = padded.shape as [number, number, number, number];
  const [outputs, , kh, kw] = weight.shape as [number, number, number, number];
  const rows = Math.floor((height - kh) / stride) + 1;
  const columns = Math.floor((width - kw) / stride) + 1;
  let y = tf.zeros([batch, outputs, rows, columns]);
  for (let i = 0; i < kh; i++) {
    for (let j = 0; j < kw; j++) {
      const rowIndices = tf.range(0, rows, 1, 'int32').mul(tf.scalar(stride, 'int32')).add(tf.scalar(i, 'int32'));
      const columnIndices = tf.range(0, columns, 1, 'int32').mul(tf.scalar(stride, 'int32')).add(tf.scalar(j, 'int32'));
      const taps = padded.gather(rowIndices as tf.Tensor1D, 2).gather(columnIndices as tf.Tensor1D, 3);
      const filter = weight.slice([0, 0, i, j], [outputs, channels, 1, 1]).reshape([outputs, channels]);
      const product = tf.matMul(taps.transpose([0, 2, 3, 1]).reshape([-1, channels]), filter, false, true);
      y = y.add(product.reshape([batch, rows, columns, outputs]).transpose([0, 3, 1, 2]));
    }
  }
  return bias ? y.add(bias.reshape([1, outputs, 1, 1])) : y;
}

const side = fc.integer({ min: 0, max: 2 });
const setup = fc.record({
  batch: fc.integer({ min: 1, max: 2 }),
  channels: fc.integer({ min: 1, max: 3 }),
  outputs: fc.integer({ min: 1, max: 3 }),
  height: fc.integer({ min: 3, max: 6 }),
  width: fc.integer({ min: 3, max: 6 }),
  kernel: fc.integer({ min: 1, max: 3 }),
  stride: fc.integer({ min: 1, max: 3 }),
  pad: fc.tuple(side, side, side, side),
  hasBias: fc.boolean(),
});

describe('conv2d', () => {
  test('equals a sum over taps, forward and gradients, for any stride and one-sided padding', () => {
    fc.assert(
      fc.property(setup, ({ batch, channels, outputs, height, width, kernel, stride, pad, hasBias }) => {
        const xs = [wave([batch, channels, height, width]), wave([outputs, channels, kernel, kernel], 1)];
        if (hasBias) xs.push(wave([outputs], 2));
        const fused = (x: tf.Tensor, w: tf.Tensor, b?: tf.Tensor) => conv2d(x, w, b, { stride, pad });
        const plain = (x: tf.Tensor, w: tf.Tensor, b?: tf.Tensor) => composed(x, w, b, stride, pad);
        expect(largestDifference(fused(xs[0]!, xs[1]!, xs[2]), plain(xs[0]!, xs[1]!, xs[2]))).toBeLessThan(1e-5);
        expect(largestGradientDifference(fused as never, plain as never, xs)).toBeLessThan(1e-4);
      }),
      { numRuns: 30 },
    );
  });

  test('the downsampling of the autoencoder: zeros right and bottom only', () => {
    const y = conv2d(tf.ones([1, 1, 4, 4]), tf.ones([1, 1, 3, 3]), undefined, { stride: 2, pad: [0, 0, 1, 1] });
    expect([...y.dataSync()]).toEqual([9, 6, 6, 4]);
  });

  test('NaN touches only the outputs that see it', () => {
    const x = tf.tensor([Number.NaN, 1, 1, 1, 1, 1, 1, 1, 1], [1, 1, 3, 3]);
    expect([...conv2d(x, tf.ones([1, 1, 2, 2])).dataSync()]).toEqual([Number.NaN, 4, 4, 4]);
  });

  test('shapes that do not fit are refused', () => {
    const x = tf.ones([1, 2, 4, 4]);
    expect(() => conv2d(x, tf.ones([3, 1, 3, 3]))).toThrow(/\[1, 2, 4, 4\].*\[3, 1, 3, 3\]/);
    expect(() => conv2d(x, tf.ones([3, 2, 3, 3]), tf.ones([2]))).toThrow(/\[3\]/);
    expect(() => conv2d(x, tf.ones([3, 2, 5, 5]))).toThrow(/larger/);
    expect(() => conv2d(x, tf.ones([3, 2, 3, 3]), undefined, { stride: 0 })).toThrow(/whole numbers/);
  });
});

describe('upsample2x', () => {
  const composedUpsample = (x: tf.Tensor) => {
    const [batch, channels, height, width] = x.shape as [number, number, number, number];
    const twice = (y: tf.Tensor, axis: number) => tf.stack([y, y], axis);
    const wide = twice(x, 4).reshape([batch, channels, height, 2 * width]);
    return twice(wide, 3).reshape([batch, channels, 2 * height, 2 * width]);
  };

  test('repeats every pixel twice each way; its gradient sums the four', () => {
    const x = wave([2, 3, 2, 4]);
    expect([...upsample2x(tf.tensor([1, 2, 3, 4], [1, 1, 2, 2])).dataSync()]).toEqual([
      1, 1, 2, 2, 1, 1, 2, 2, 3, 3, 4, 4, 3, 3, 4, 4,
    ]);
    expect(largestDifference(upsample2x(x), composedUpsample(x))).toBe(0);
    expect(largestGradientDifference(upsample2x as never, composedUpsample as never, [x])).toBeLessThan(1e-6);
  });

  test('anything but an image batch is refused', () => {
    expect(() => upsample2x(tf.ones([2, 2]))).toThrow(/\[2, 2\]/);
  });
});
