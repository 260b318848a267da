import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { largestDifference, largestGradientDifference, wave } from '../../test/support/tensors.ts';
import { groupNorm, layerNorm } from './index.ts';

function composedLayerNorm(x: tf.Tensor, weight?: tf.Tensor, bias?: tf.Tensor, epsilon = 1e-5): tf.Tensor {
  const { mean, variance } = tf.moments(x, -1, true);
  let y = x.sub(mean).div(variance.add(epsilon).sqrt());
  if (weight) y = y.mul(weight);
  return bias ? y.add(bias) : y;
}

function composedGroupNorm(
  x: tf.Tensor,
  weight: tf.Tensor,
  bias: tf.Tensor,
  groups: number,
  epsilon: number,
): tf.Tensor {
  const [batch, channels, height, width] = x.shape as [number, number, number, number];
  const g = x.reshape([batch, groups, channels / groups, height, width]);
  const { mean, variance } = tf.moments(g, [2, 3, 4], true);
  const y = g.sub(mean).div(variance.add(epsilon).sqrt()).reshape(x.shape);
  return y.mul(weight.reshape([1, channels, 1, 1])).add(bias.reshape([1, channels, 1, 1]));
}

/** Large: rows of two or three close values would have huge, ill-conditioned gradients. */
const epsilon = 1e-2;
const small = fc.integer({ min: 1, max: 3 });

describe('layerNorm', () => {
  test('equals the composed formula, forward and gradients', () => {
    fc.assert(
      fc.property(
        fc.array(small, { maxLength: 2 }),
        fc.integer({ min: 2, max: 9 }),
        fc.boolean(),
        (leading, width, hasBias) => {
          const xs = [wave([...leading, width], 0, 3), wave([width], 1), ...(hasBias ? [wave([width], 2)] : [])];
          const fused = (x: tf.Tensor, weight: tf.Tensor, bias?: tf.Tensor) =>
            layerNorm(x, { weight, epsilon, ...(bias ? { bias } : {}) });
          const plain = (x: tf.Tensor, weight: tf.Tensor, bias?: tf.Tensor) =>
            composedLayerNorm(x, weight, bias, epsilon);
          expect(largestDifference(fused(xs[0]!, xs[1]!, xs[2]), plain(xs[0]!, xs[1]!, xs[2]))).toBeLessThan(1e-5);
          expect(largestGradientDifference(fused as never, plain as never, xs)).toBeLessThan(1e-4);
        },
      ),
      { numRuns: 25 },
    );
  });

  test('without parameters it only normalises', () => {
    const x = wave([2, 5], 0, 4);
    expect(largestDifference(layerNorm(x), composedLayerNorm(x))).toBeLessThan(1e-5);
    expect(
      largestGradientDifference(
        x => layerNorm(x!),
        x => composedLayerNorm(x!),
        [x],
      ),
    ).toBeLessThan(1e-4);
  });

  test('equal values give the bias, whatever their size', () => {
    const y = layerNorm(tf.fill([1, 4], 3e4), { weight: tf.ones([4]), bias: wave([4]) });
    expect(largestDifference(y, wave([1, 4]))).toBeLessThan(1e-6);
  });

  test('NaN stays in its row; wrong parameter shapes are refused', () => {
    const y = layerNorm(tf.tensor([Number.NaN, 1, 1, 1], [2, 2])).dataSync();
    expect([...y]).toEqual([Number.NaN, Number.NaN, 0, 0]);
    expect(() => layerNorm(tf.ones([2, 4]), { weight: tf.ones([3]) })).toThrow(/\[4\].*\[3\]/);
  });
});

describe('groupNorm', () => {
  test('equals the composed formula, forward and gradients', () => {
    fc.assert(
      fc.property(small, small, small, small, small, (batch, groups, perGroup, height, width) => {
        const channels = groups * perGroup;
        const xs = [wave([batch, channels, height, width], 0, 3), wave([channels], 1), wave([channels], 2)];
        const fused = (x: tf.Tensor, weight: tf.Tensor, bias: tf.Tensor) =>
          groupNorm(x, { weight, bias, groups, epsilon });
        const plain = (x: tf.Tensor, weight: tf.Tensor, bias: tf.Tensor) =>
          composedGroupNorm(x, weight, bias, groups, epsilon);
        expect(largestDifference(fused(xs[0]!, xs[1]!, xs[2]!), plain(xs[0]!, xs[1]!, xs[2]!))).toBeLessThan(1e-5);
        expect(largestGradientDifference(fused as never, plain as never, xs)).toBeLessThan(1e-4);
      }),
      { numRuns: 25 },
    );
  });

  test('channels that do not split into the groups are refused', () => {
    const weight = tf.ones([6]);
    expect(() => groupNorm(tf.ones([1, 6, 2, 2]), { weight, bias: weight, groups: 4 })).toThrow(/multiple of the 4/);
    expect(() => groupNorm(tf.ones([1, 6, 2, 2]), { weight, bias: tf.ones([3]), groups: 2 })).toThrow(/bias.*\[6\]/);
  });
});
