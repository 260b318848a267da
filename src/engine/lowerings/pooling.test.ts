import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { test } from 'vitest';
import {
  check,
  expectClose,
  extremes,
  floats,
  forward,
  ints,
  type KernelCase,
  testKernels,
  wave,
} from '../../../test/support/kernel-table.ts';
import { compile } from '../index.ts';
import { pooling } from './pooling.ts';

type Pool = typeof tf.maxPool;

/** Window, stride and padding that fit the image: seeded samples. */
const samples = fc.sample(
  fc.record({
    shape: fc.tuple(
      fc.integer({ min: 1, max: 2 }),
      fc.integer({ min: 3, max: 7 }),
      fc.integer({ min: 3, max: 7 }),
      fc.integer({ min: 1, max: 3 }),
    ),
    window: fc.tuple(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 3 })),
    strides: fc.tuple(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 3 })),
    same: fc.boolean(),
  }),
  { numRuns: 10, seed: 5 },
);

const cases = (pool: Pool, gradientOfPadding: boolean): KernelCase[] => [
  check(x => pool(x as tf.Tensor4D, 2, 2, 'valid'), wave([2, 4, 6, 3])),
  check(x => pool(x as tf.Tensor3D, [2, 3], [1, 2], 'valid'), wave([5, 7, 2])),
  forward(x => pool(x as tf.Tensor4D, 3, 2, 1), wave([1, 5, 6, 2])),
  forward(x => pool(x as tf.Tensor4D, 2, 2, 0, 'ceil'), wave([1, 5, 5, 1])),
  forward(
    x =>
      pool(x as tf.Tensor4D, 2, 2, [
        [0, 0],
        [1, 0],
        [0, 1],
        [0, 0],
      ]),
    wave([1, 5, 5, 1]),
  ),
  ...samples.map(({ shape, window, strides, same }) => ({
    ...check(x => pool(x as tf.Tensor4D, window, strides, same ? 'same' : 'valid'), wave(shape, 0.5)),
    gradients: same && !gradientOfPadding ? [] : [0],
  })),
];

const ties = { ...floats(1, 1, 1, 1, 0, 2, 2, 0, 2, 2, 0, 0, 3, 1, 1, 3), shape: [1, 4, 4, 1] };
const numbers = ints([1, 2, 4, 1], 3, -1, 4, 1, -5, 9, 2, 6);
const finite = floats(...extremes.data.slice(0, 16));

testKernels(pooling, {
  AvgPool: cases(tf.avgPool, false),
  // At a padded border tfjs's JavaScript backend does not give the gradient of its own average: compared below instead.
  AvgPoolGrad: cases(tf.avgPool, false),
  MaxPool: [
    ...cases(tf.maxPool, true),
    forward(x => tf.maxPool(x as tf.Tensor4D, 2, 2, 'valid'), numbers),
    forward(x => tf.maxPool(x as tf.Tensor4D, 2, 1, 'same'), { ...finite, shape: [1, 4, 4, 1] }),
  ],
  MaxPoolGrad: [
    ...cases(tf.maxPool, true),
    check(x => tf.maxPool(x as tf.Tensor4D, 2, 2, 'valid'), ties),
    check(x => tf.maxPool(x as tf.Tensor4D, 3, 1, 'same'), ties),
  ],
});

test('the gradient of an average over a padded border is the transposed average', async () => {
  const [x, dy] = [wave([2, 5, 6, 2]), wave([2, 3, 3, 2], 1)];
  const executable = await compile(
    ({ inputs: { x, dy } }) => {
      const pool = (image: tf.Tensor) => tf.avgPool(image as tf.Tensor4D, 3, 2, 'same');
      const dx = tf.grad(pool)(x!, dy!);
      return { outputs: { outside: pool(x!).mul(dy!).sum(), inside: dx.mul(x!).sum() } };
    },
    { inputs: { x: { dtype: 'float32', shape: x.shape }, dy: { dtype: 'float32', shape: dy.shape } } },
  );
  const { outside, inside } = await executable.run({ x, dy });
  expectClose(inside!, outside!, 1e-5, '<dx, x> = <dy, pool(x)>');
  await executable.release();
});
