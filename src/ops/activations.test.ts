import * as tf from '@tensorflow/tfjs';
import { describe, expect, test } from 'vitest';
import { autodiff, largestDifference, largestGradientDifference, wave } from '../../test/support/tensors.ts';
import { gelu, silu } from './index.ts';

const formulas = {
  erf: (x: tf.Tensor) => x.mul(0.5).mul(tf.erf(x.div(Math.SQRT2)).add(1)),
  tanh: (x: tf.Tensor) =>
    x.mul(0.5).mul(
      x
        .pow(3)
        .mul(0.044715)
        .add(x)
        .mul(Math.sqrt(2 / Math.PI))
        .tanh()
        .add(1),
    ),
  quick: (x: tf.Tensor) => x.mul(tf.sigmoid(x.mul(1.702))),
} as const;

describe.each(['erf', 'tanh', 'quick'] as const)('gelu %s', approximation => {
  const run = (x: tf.Tensor) => gelu(x, approximation);

  test('equals the composed formula, forward and gradient', () => {
    const x = wave([3, 5], 0, 4);
    expect(largestDifference(run(x), formulas[approximation](x))).toBeLessThan(1e-6);
    expect(largestGradientDifference(run as never, formulas[approximation] as never, [x])).toBeLessThan(1e-5);
  });

  test('extremes: 0 far below, the identity far above, NaN stays', () => {
    const x = tf.tensor1d([-1e4, -20, 0, 20, 1e4, Number.NaN]);
    expect([...run(x).dataSync()].map(value => value + 0)).toEqual([0, expect.closeTo(0, 6), 0, 20, 1e4, Number.NaN]);
    const slope = autodiff(x => run(x!).div(wave([6], 0.3)), [x])[0]!.dataSync();
    for (const [i, expected] of [0, 0, 0.5, 1, 1].entries()) expect(slope[i]).toBeCloseTo(expected, 5);
    expect(slope[5]).toBeNaN();
  });
});

test('gelu of known points (erf: normal distribution function)', () => {
  const y = gelu(tf.tensor1d([1, -1, 2])).dataSync();
  for (const [i, expected] of [0.8413447, -0.1586553, 1.9544997].entries()) expect(y[i]).toBeCloseTo(expected, 5);
});

describe('silu', () => {
  const formula = (x: tf.Tensor) => x.mul(tf.sigmoid(x));

  test('equals the composed formula, forward and gradient', () => {
    const x = wave([2, 3, 4], 0, 5);
    expect(largestDifference(silu(x), formula(x))).toBeLessThan(1e-6);
    expect(largestGradientDifference(silu as never, formula as never, [x])).toBeLessThan(1e-5);
  });

  test('extremes and NaN', () => {
    const y = silu(tf.tensor1d([-100, 0, 100, Number.NaN])).dataSync();
    expect(y[0]).toBeCloseTo(0, 6);
    expect([...y.slice(1)]).toEqual([0, 100, Number.NaN]);
  });
});
