import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import {
  bools,
  check,
  extremes,
  floats,
  forward,
  ints,
  type KernelCase,
  testKernels,
  wave,
  within,
} from '../../../test/support/kernel-table.ts';
import { reductions } from './reduction.ts';

type Reduction = (x: tf.Tensor, axis?: number | number[], keepDims?: boolean) => tf.Tensor;

/** Shapes with a choice of axes, some counted from the end: seeded samples. */
const samples = fc.sample(
  fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 4 }).chain(shape =>
    fc.record({
      shape: fc.constant(shape),
      axes: fc.subarray(
        shape.map((_, axis) => axis),
        { minLength: 1 },
      ),
      fromEnd: fc.boolean(),
      keepDims: fc.boolean(),
    }),
  ),
  { numRuns: 8, seed: 11 },
);

function reduction(f: Reduction, special = extremes): KernelCase[] {
  return [
    check(x => f(x), wave([2, 3, 4])),
    check(x => f(x, -1), wave([2, 3, 4])),
    check(x => f(x, [0, 2], true), wave([2, 3, 4])),
    check(x => f(x, [-1, -3]), wave([2, 3, 4])),
    check(x => f(x), wave([], 1)),
    forward(x => f(x), special),
    forward(x => f(x, 0), { ...special, shape: [1, special.data.length] }),
    forward(x => f(x, 1), { ...special, shape: [special.data.length, 1] }),
    ...samples.map(({ shape, axes, fromEnd, keepDims }) =>
      check(x => f(x, fromEnd ? axes.map(axis => axis - shape.length) : axes, keepDims), wave(shape, 0.2)),
    ),
  ];
}

/** ONNX Runtime's maximum may overlook NaN. */
const numbersOnly = floats(...extremes.data.filter(value => !Number.isNaN(value)));
const numbers = ints([2, 3], 3, -1, 4, 1, -5, 9);
const truth = bools([2, 3], 1, 1, 1, 0, 1, 0);
const allTrue = bools([4], 1, 1, 1, 1);
/** Ordinary and huge values along the last axis: softmax must neither overflow nor lose the small ones. */
const logits = { ...floats(1, 2, 3, 1000, 1000, 1000, -1000, 0, 1000, 0, 0, 0), shape: [4, 3] };

const arg = (f: (x: tf.Tensor, axis?: number) => tf.Tensor): KernelCase[] => [
  forward(x => f(x, 0), wave([5])),
  forward(x => f(x, 1), wave([2, 3, 4])),
  forward(x => f(x, -1), wave([2, 3, 4])),
  forward(x => f(x, 0), floats(2, 7, 7, 2, 2)),
  forward(x => f(x, 1), numbers),
];

testKernels(reductions, {
  Sum: [
    ...reduction(tf.sum),
    forward(x => tf.sum(x, 1), numbers),
    forward(x => tf.sum(x), truth),
    forward(x => tf.sum(x, 1), wave([2, 0])),
    forward(x => tf.sum(x, 0), wave([2, 0])),
  ],
  Mean: [...reduction(tf.mean), forward(x => tf.mean(x, 1), numbers), forward(x => tf.mean(x), truth)],
  Max: [
    ...reduction(tf.max, numbersOnly),
    check(x => tf.max(x), floats(1, 5, 5, 2)),
    forward(x => tf.max(x, 1), numbers),
  ],
  Min: [
    ...reduction(tf.min, numbersOnly),
    check(x => tf.min(x), floats(4, 1, 1, 2)),
    forward(x => tf.min(x, 1), numbers),
  ],
  // tfjs's gradient of a product fails for several axes and for negative ones.
  Prod: [
    ...reduction(tf.prod).map((item, index) => (index === 0 || index === 4 ? item : { ...item, gradients: [] })),
    check(x => tf.prod(x, 1), wave([2, 3, 4])),
    forward(x => tf.prod(x, 1), numbers),
  ],
  All: [
    forward(x => tf.all(x), truth),
    forward(x => tf.all(x, 1), truth),
    forward(x => tf.all(x, -2, true), truth),
    forward(x => tf.all(x), allTrue),
  ],
  Any: [
    forward(x => tf.any(x), truth),
    forward(x => tf.any(x, 0), truth),
    forward(x => tf.any(tf.logicalNot(x), [-1], true), truth),
    forward(x => tf.any(tf.logicalNot(x)), allTrue),
  ],
  ArgMax: arg(tf.argMax),
  ArgMin: arg(tf.argMin),
  // tfjs's gradient of a running sum is right along the last axis only; its running sums do not take negative axes.
  Cumsum: [
    check(x => tf.cumsum(x), wave([5])),
    forward(x => tf.cumsum(x, 1), wave([2, 3, 2])),
    check(x => tf.cumsum(x, 1, true), wave([2, 4])),
    forward(x => tf.cumsum(x, 0, false, true), wave([3, 2])),
    forward(x => tf.cumsum(x, 0, true, true), wave([3, 2])),
    forward(x => tf.cumsum(x, 1), numbers),
  ],
  // tfjs's running product does not take negative axes.
  Cumprod: [
    forward(x => tf.cumprod(x), wave([5], 0, 2)),
    forward(x => tf.cumprod(x, 1), wave([2, 7, 2], 0, 2)),
    forward(x => tf.cumprod(x, 1, true), wave([2, 4], 0, 2)),
    forward(x => tf.cumprod(x, 0, false, true), wave([6, 2], 0, 2)),
    forward(x => tf.cumprod(x, 0, true, true), wave([3, 2], 0, 2)),
    forward(x => tf.cumprod(x, 1), numbers),
    forward(x => tf.cumprod(x), wave([1])),
  ],
  Einsum: within(
    1e-5,
    forward((a, b) => tf.einsum('ij,jk->ik', a!, b!), wave([2, 3]), wave([3, 4], 1)),
    forward((a, b) => tf.einsum('bhqd,bhkd->bhqk', a!, b!), wave([2, 2, 3, 4]), wave([2, 2, 5, 4], 1)),
    forward(a => tf.einsum('ij->ji', a!), wave([2, 3])),
    forward(a => tf.einsum('ij->', a!), wave([2, 3])),
    forward((a, b) => tf.einsum('i,j->ij', a!, b!), wave([2]), wave([3], 1)),
  ),
  Softmax: [
    check(x => tf.softmax(x), wave([2, 3, 4], 0, 3)),
    check(x => tf.softmax(x, -1), wave([5])),
    check(x => tf.softmax(x, 1), wave([2, 5])),
    check(x => tf.softmax(x), logits),
    check(x => tf.softmax(x), wave([3, 1])),
    forward(x => tf.softmax(x), floats(1, Number.NaN, 2)),
    forward(x => tf.softmax(x), floats(1, Number.NEGATIVE_INFINITY, 2)),
    check(x => tf.logSoftmax(x), wave([2, 3, 4], 0, 3)),
    check(x => tf.logSoftmax(x, -1), wave([5])),
    check(x => tf.logSoftmax(x), logits),
    forward(x => tf.logSoftmax(x), floats(1, Number.NaN, 2)),
    forward(x => tf.logSoftmax(x), floats(1, Number.NEGATIVE_INFINITY, 2)),
  ],
  UnsortedSegmentSum: [
    check(x => tf.unsortedSegmentSum(x, tf.tensor1d([0, 2, 0, 2], 'int32'), 4), wave([4, 3])),
    check((x, ids) => tf.unsortedSegmentSum(x!, ids as tf.Tensor1D, 3), wave([4]), ints([4], 1, -1, 1, 0)),
    check((x, ids) => tf.gather(x!, ids!), wave([5, 2]), ints([2, 3], 4, 0, 4, 1, 4, 0)),
  ],
});
