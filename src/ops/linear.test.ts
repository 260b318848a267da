import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { expect, test, vi } from 'vitest';
import { largestDifference, largestGradientDifference, wave } from '../../test/support/tensors.ts';
import { linear } from './index.ts';

const composed = (x: tf.Tensor, weight: tf.Tensor, bias?: tf.Tensor) => {
  const product = tf.matMul(x.reshape([-1, x.shape.at(-1)!]), weight);
  return (bias ? product.add(bias) : product).reshape([...x.shape.slice(0, -1), weight.shape[1]!]);
};

test('linear: any leading shape, with and without bias, forward and gradients', () => {
  const sizes = fc.array(fc.integer({ min: 1, max: 4 }), { maxLength: 3 });
  const width = fc.integer({ min: 1, max: 6 });
  fc.assert(
    fc.property(sizes, width, width, fc.boolean(), (leading, inputs, outputs, hasBias) => {
      const xs = [wave([...leading, inputs]), wave([inputs, outputs], 1), ...(hasBias ? [wave([outputs], 2)] : [])];
      const run = (x: tf.Tensor, w: tf.Tensor, b?: tf.Tensor) => linear(x, w, b);
      expect(largestDifference(run(xs[0]!, xs[1]!, xs[2]), composed(xs[0]!, xs[1]!, xs[2]))).toBeLessThan(1e-5);
      expect(largestGradientDifference(run as never, composed as never, xs)).toBeLessThan(1e-4);
    }),
    { numRuns: 25 },
  );
});

test('linear: NaN stays in its row', () => {
  const y = linear(tf.tensor([Number.NaN, 1, 1, 1], [2, 2]), tf.ones([2, 3])).dataSync();
  expect([...y]).toEqual([Number.NaN, Number.NaN, Number.NaN, 2, 2, 2]);
});

test('linear: shapes that do not fit are refused with the numbers', () => {
  expect(() => linear(tf.ones([2, 3]), tf.ones([4, 5]))).toThrow(/\[2, 3\].*\[4, 5\]/);
  expect(() => linear(tf.ones([2, 4]), tf.ones([4, 5]), tf.ones([4]))).toThrow(/\[5\]/);
});

test('the registry is filled once, however often the ops are imported', async () => {
  const before = tf.getKernel('DuetLinear', 'cpu');
  vi.resetModules();
  await import('./index.ts');
  expect(tf.getKernel('DuetLinear', 'cpu')).toBe(before);
  expect(tf.getKernel('DuetLinear', 'tensorflow')).toBeDefined();
});
