import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { bools, check, extremes, forward, ints, testKernels, wave } from '../../../test/support/kernel-table.ts';
import { shapes } from './shape.ts';

const shape = fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 4 });
const sampled = <T>(arbitrary: fc.Arbitrary<T>, seed: number, numRuns = 8): T[] =>
  fc.sample(arbitrary, { seed, numRuns });

const transposes = sampled(
  shape.chain(dims =>
    fc.record({
      dims: fc.constant(dims),
      perm: fc.shuffledSubarray(
        dims.map((_, axis) => axis),
        { minLength: dims.length },
      ),
    }),
  ),
  1,
).map(({ dims, perm }) => check(x => tf.transpose(x, perm), wave(dims)));

const boxes = sampled(
  fc.array(
    fc
      .integer({ min: 1, max: 5 })
      .chain(size =>
        fc
          .nat(size - 1)
          .chain(begin => fc.tuple(fc.constant(size), fc.constant(begin), fc.integer({ min: 1, max: size - begin }))),
      ),
    { minLength: 1, maxLength: 4 },
  ),
  2,
).map(axes =>
  check(
    x =>
      tf.slice(
        x,
        axes.map(([, begin]) => begin),
        axes.map(([, , length]) => length),
      ),
    wave(axes.map(([size]) => size)),
  ),
);

const joins = sampled(
  shape.chain(dims =>
    fc.record({
      dims: fc.constant(dims),
      axis: fc.nat(dims.length - 1),
      sizes: fc.array(fc.integer({ min: 1, max: 3 }), { minLength: 1, maxLength: 3 }),
    }),
  ),
  3,
).map(({ dims, axis, sizes }) =>
  check(
    (...parts) => tf.concat(parts, axis - dims.length),
    ...sizes.map((size, index) => wave(dims.with(axis, size), index)),
  ),
);

const numbers = ints([2, 3], 3, -1, 4, 1, -5, 9);
const truth = bools([2, 3], 1, 1, 1, 0, 1, 0);
const strided = (begin: number[], end: number[], strides: number[], ...masks: number[]) =>
  forward(x => tf.stridedSlice(x, begin, end, strides, ...masks), wave([4, 5, 6]));

testKernels(shapes, {
  Reshape: [
    check(x => tf.reshape(x, [3, 4]), wave([2, 6])),
    check(x => tf.reshape(x, [-1]), wave([2, 2, 3])),
    check(x => tf.reshape(x, []), wave([1, 1])),
    check(x => tf.squeeze(x, [0, 2]), wave([1, 3, 1])),
    check(x => tf.reshape(x, [1, 1]), wave([])),
    forward(x => tf.reshape(x, [3, 0]), wave([0, 2])),
    forward(x => tf.reshape(x, [6]), numbers),
    forward(x => tf.reshape(x, [6]), truth),
    forward(x => tf.reshape(x, [1, 17]), extremes),
  ],
  ExpandDims: [
    check(x => tf.expandDims(x), wave([2, 3])),
    check(x => tf.expandDims(x, 1), wave([2, 3])),
    check(x => tf.expandDims(x, -1), wave([2, 3])),
    check(x => tf.expandDims(x, -3), wave([2, 3])),
    check(x => tf.expandDims(x), wave([])),
  ],
  Transpose: [
    ...transposes,
    check(x => tf.transpose(x), wave([2, 3, 4])),
    forward(x => tf.transpose(x), numbers),
    forward(x => tf.transpose(x), truth),
    forward(x => tf.transpose(x), wave([0, 3])),
  ],
  Concat: [
    ...joins,
    check((a, b) => tf.concat([a!, b!], 1), wave([2, 3]), wave([2, 1], 1)),
    forward((a, b) => tf.concat([a!, b!], 0), wave([0, 3]), wave([2, 3])),
    forward((a, b) => tf.concat([a!, b!], 0), wave([0, 3]), wave([0, 3])),
    forward((a, b) => tf.concat([a!, b!], 1), wave([2, 0]), wave([2, 0])),
    forward((a, b) => tf.concat([a!, b!], -1), numbers, numbers),
    forward((a, b) => tf.concat([a!, b!]), truth, truth),
  ],
  Slice: [
    ...boxes,
    check(x => tf.slice(x, [1, 0], [-1, 2]), wave([3, 4])),
    check(x => tf.slice(x, 1, 2), wave([4, 2])),
    forward(x => tf.slice(x, [1], [0]), wave([4])),
    forward(x => tf.slice(x, [0, 1], [2, 2]), numbers),
    forward(x => tf.slice(x, [0, 1], [2, 2]), truth),
  ],
  StridedSlice: [
    strided([0, 1, 0], [4, 5, 6], [1, 2, 3]),
    strided([3, 4, 5], [0, 0, 0], [-1, -2, -3]),
    strided([-1, -5, 0], [-5, -1, 6], [-1, 1, 2]),
    strided([1, 1, 1], [3, 3, 3], [1, 1, 1], 0b001, 0b100),
    strided([1, 2], [3, 4], [1, 1], 0, 0, 0b01),
    strided([1, 0, 0, 2], [2, 0, 5, 4], [1, 1, 1, 1], 0, 0, 0, 0b010, 0b001),
    strided([0, 0, 0], [4, 5, 6], [1, 1, 1]),
    strided([2, 0, 0], [2, 5, 6], [1, 1, 1]),
  ],
  SplitV: [
    check(x => tf.split(x, 2, 1), wave([2, 4])),
    check(x => tf.split(x, [1, 3, 2], -1), wave([2, 6])),
    forward(x => tf.split(x, 1), wave([3])),
    forward(x => tf.split(x, [2, -1, 1], 0), wave([5, 2])),
    forward(x => tf.split(x, 3, 1), numbers),
  ],
  Pack: [
    check((...xs) => tf.stack(xs), wave([2, 3]), wave([2, 3], 1)),
    check((...xs) => tf.stack(xs, 1), wave([2, 3]), wave([2, 3], 1), wave([2, 3], 2)),
    check((...xs) => tf.stack(xs, -1), wave([2, 3]), wave([2, 3], 1)),
    check(x => tf.stack([x]), wave([2])),
    check((...xs) => tf.stack(xs), wave([]), wave([], 1)),
    forward((...xs) => tf.stack(xs), numbers, numbers),
  ],
  Unpack: [
    check(x => tf.unstack(x), wave([3, 2])),
    check(x => tf.unstack(x, 1), wave([2, 3, 2])),
    check(x => tf.unstack(x, -1), wave([2, 3])),
    forward(x => tf.unstack(x), numbers),
  ],
  Tile: [
    check(x => tf.tile(x, [2]), wave([3])),
    check(x => tf.tile(x, [1, 3]), wave([2, 2])),
    check(x => tf.tile(x, [2, 1, 3]), wave([1, 2, 2])),
    check(x => tf.broadcastTo(x, [4, 2, 3]), wave([2, 1])),
    check(x => tf.broadcastTo(x, [2, 3]), wave([])),
    forward(x => tf.tile(x, [2, 1]), numbers),
    forward(x => tf.tile(x, [1, 2]), truth),
  ],
  Fill: [
    forward(x => tf.fill([2, 3], 0.5).add(x), wave([3])),
    forward(x => tf.fill([2, 3], 4, 'int32').add(x), ints([3], 1, 2, 3)),
    forward(x => tf.fill([], -1).add(x), wave([3])),
    forward(x => tf.fill([40], Number.NEGATIVE_INFINITY).add(x), wave([1])),
  ],
  PadV2: [
    check(x => tf.pad(x, [[1, 2]]), wave([3])),
    check(
      x =>
        tf.pad(
          x,
          [
            [0, 0],
            [2, 1],
          ],
          0.5,
        ),
      wave([2, 3]),
    ),
    check(
      x =>
        tf.pad(x, [
          [0, 0],
          [1, 0],
          [0, 1],
          [0, 0],
        ]),
      wave([2, 2, 2, 2]),
    ),
    check(x => tf.pad(x, [[0, 0]]), wave([3])),
    forward(
      x =>
        tf.pad(
          x,
          [
            [1, 1],
            [0, 2],
          ],
          7,
        ),
      numbers,
    ),
  ],
  MirrorPad: [
    check(x => tf.mirrorPad(x, [[2, 1]], 'reflect'), wave([4])),
    check(
      x =>
        tf.mirrorPad(
          x,
          [
            [1, 0],
            [0, 2],
          ],
          'reflect',
        ),
      wave([3, 3]),
    ),
    check(x => tf.mirrorPad(x, [[2, 1]], 'symmetric'), wave([4])),
    check(
      x =>
        tf.mirrorPad(
          x,
          [
            [3, 3],
            [0, 0],
            [1, 2],
          ],
          'symmetric',
        ),
      wave([3, 2, 2]),
    ),
    forward(
      x =>
        tf.mirrorPad(
          x,
          [
            [1, 1],
            [0, 2],
          ],
          'symmetric',
        ),
      numbers,
    ),
  ],
  Reverse: [
    check(x => tf.reverse(x), wave([4])),
    check(x => tf.reverse(x, 1), wave([2, 3, 2])),
    check(x => tf.reverse(x, [0, -1]), wave([2, 3, 2])),
    forward(x => tf.reverse(x, -1), numbers),
    forward(x => tf.reverse(x, 0), truth),
  ],
  GatherV2: [
    check((x, indices) => tf.gather(x!, indices!), wave([4, 2]), ints([3], 3, 0, 3)),
    check((x, indices) => tf.gather(x!, indices!, 1), wave([2, 4, 3]), ints([2, 2], 1, 1, 0, 3)),
    check((x, indices) => tf.gather(x!, indices!, -1), wave([2, 4]), ints([2], 3, 0)),
    check((x, indices) => tf.gather(x!, indices!), wave([4, 2]), ints([], 2)),
    forward((x, indices) => tf.gather(x!, indices!, 1, 1), wave([2, 4, 3]), ints([2, 2], 1, 1, 0, 3)),
    forward(
      (x, indices) => tf.gather(x!, indices!, 2, 2),
      wave([2, 2, 4]),
      ints([2, 2, 3], 1, 1, 0, 3, 2, 1, 0, 0, 1, 2, 3, 3),
    ),
    forward((x, indices) => tf.gather(x!, indices!, 1, 1), numbers, ints([2, 1], 2, 0)),
    forward((x, indices) => tf.gather(x!, indices!), truth, ints([3], 1, 1, 0)),
    forward((x, indices) => tf.gather(x!, indices!), wave([4, 2]), ints([0])),
  ],
  OneHot: [
    forward(x => tf.oneHot(x, 4), ints([3], 0, 3, 2)),
    forward(x => tf.oneHot(x, 3, 2, -1), ints([2, 2], 0, 2, 1, 1)),
    forward(x => tf.oneHot(x, 3), ints([4], -1, 3, 7, -3)),
    forward(x => tf.oneHot(x, 3, 1, 0, 'int32'), ints([2], 0, 2)),
    forward(x => tf.oneHot(x, 2), ints([], 1)),
  ],
  Range: [
    forward(x => tf.range(0, 3).add(x), wave([1])),
    forward(x => tf.range(5, 0, -2).add(x), wave([1])),
    forward(x => tf.range(0, 1, 0.3).add(x), wave([1])),
    forward(x => tf.range(2, 6, 2, 'int32').add(x), ints([1], 1)),
    forward(x => tf.range(3, 3).concat(x as tf.Tensor1D), wave([1])),
  ],
  LinSpace: [
    forward(x => tf.linspace(0, 1, 5).add(x), wave([1])),
    forward(x => tf.linspace(3, -1, 4).add(x), wave([1])),
    forward(x => tf.linspace(2, 5, 1).add(x), wave([1])),
  ],
});
