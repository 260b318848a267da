import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { test } from 'vitest';
import { check, expectClose, floats, forward, testKernels, wave, within } from '../../../test/support/kernel-table.ts';
import { linear } from '../../ops/index.ts';
import { compile } from '../index.ts';
import { matrixProducts } from './matmul.ts';

/** Leading axes of both operands. tfjs's JavaScript backend multiplies wrong pairs where both are broadcast, or an inner axis is. */
const batches: [number[], number[]][] = [
  [[], []],
  [[2], [2]],
  [
    [2, 3],
    [2, 3],
  ],
  [[1], [2]],
  [[2], []],
  [[], [2, 3]],
  [
    [1, 3],
    [2, 3],
  ],
];

const size = fc.integer({ min: 1, max: 5 });
/** Batched products in every combination of transposition and of broadcast leading axes. */
const products = fc
  .sample(
    fc.record({
      batch: fc.constantFrom(...batches),
      rows: size,
      inner: size,
      columns: size,
      transposeA: fc.boolean(),
      transposeB: fc.boolean(),
    }),
    { numRuns: 24, seed: 3 },
  )
  .map(({ batch: [batchA, batchB], rows, inner, columns, transposeA, transposeB }) => {
    const a = wave([...batchA, ...(transposeA ? [inner, rows] : [rows, inner])]);
    const b = wave([...batchB, ...(transposeB ? [columns, inner] : [inner, columns])], 1);
    const f = (x: tf.Tensor, y: tf.Tensor) => tf.matMul(x, y, transposeA, transposeB);
    // tfjs's gradient of a product does not undo broadcasting of the batch.
    return `${batchA}` === `${batchB}` ? check(f, a, b) : forward(f, a, b);
  });

const row = (...values: number[]) => ({ ...floats(...values), shape: [1, values.length] });

test('both operands broadcast: the products of the tiled operands', async () => {
  const [a, b] = [wave([2, 1, 3, 4]), wave([1, 3, 4, 2], 1)];
  const executable = await compile(
    ({ inputs: { a, b } }) => ({
      outputs: { broadcast: tf.matMul(a!, b!), tiled: tf.matMul(tf.tile(a!, [1, 3, 1, 1]), tf.tile(b!, [2, 1, 1, 1])) },
    }),
    { inputs: { a: { dtype: 'float32', shape: a.shape }, b: { dtype: 'float32', shape: b.shape } } },
  );
  const { broadcast, tiled } = await executable.run({ a, b });
  expectClose(broadcast!, tiled!, 1e-6, 'broadcast product');
  await executable.release();
});

testKernels(matrixProducts, {
  BatchMatMul: within(
    1e-5,
    ...products,
    check((a, b) => tf.matMul(a!, b!), wave([3, 4]), wave([4, 2], 1)),
    check((a, b) => tf.matMul(a!, b!, true, true), wave([2, 4, 3]), wave([2, 2, 4], 1)),
    forward((a, b) => tf.matMul(a!, b!), wave([2, 3, 4]), wave([4, 2], 1)),
    forward((a, b) => tf.matMul(a!, b!), wave([3, 4]), wave([2, 4, 2], 1)),
    forward((a, b) => tf.matMul(a!, b!, true), wave([2, 4, 3]), wave([1, 4, 2], 1)),
    check((a, b) => tf.dot(a!, b!), wave([4]), wave([4], 1)),
    forward((a, b) => tf.matMul(a!, b!, false, true), row(1, Number.NaN, 2), row(1, 0, 1)),
    forward((a, b) => tf.matMul(a!, b!, false, true), row(1, Number.POSITIVE_INFINITY), row(1, 2)),
    forward((a, b) => tf.matMul(a!, b!, false, true), row(3e38, 3e38), row(1, 1)),
    check((a, b) => tf.matMul(a!, b!), wave([17, 33]), wave([33, 19], 1)),
  ),
  DuetLinear: within(
    1e-5,
    check((x, w, b) => linear(x!, w!, b), wave([2, 3, 4]), wave([4, 5], 1), wave([5], 2)),
    check((x, w) => linear(x!, w!), wave([3, 4]), wave([4, 5], 1)),
    check((x, w, b) => linear(x!, w!, b), wave([4]), wave([4, 2], 1), wave([2], 2)),
    check((x, w, b) => linear(x!, w!, b), wave([2, 1, 3, 4]), wave([4, 1], 1), wave([1], 2)),
    forward((x, w) => linear(x!, w!), row(1, Number.NaN), wave([2, 2])),
  ),
});
