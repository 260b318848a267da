import * as tf from '@tensorflow/tfjs';
import { describe, test } from 'vitest';
import {
  check,
  expectClose,
  forward,
  ints,
  type KernelCase,
  testKernels,
  wave,
} from '../../../test/support/kernel-table.ts';
import { compile } from '../index.ts';
import { resizing } from './resizing.ts';

type Resize = typeof tf.image.resizeBilinear;

const methods = { bilinear: tf.image.resizeBilinear, nearest: tf.image.resizeNearestNeighbor };
const sizes: [number, number][] = [
  [8, 12],
  [4, 6],
  [2, 3],
  [7, 5],
  [1, 1],
  [9, 1],
];
const placements: [alignCorners: boolean, halfPixelCenters: boolean][] = [
  [false, false],
  [true, false],
  [false, true],
];

const everySize = (resize: Resize): KernelCase[] =>
  placements.flatMap(placement =>
    sizes.map(size => forward(x => resize(x as tf.Tensor4D, size, ...placement), wave([2, 4, 6, 3]))),
  );

/** What tfjs's JavaScript backend gets right: one square image, no half pixel centres. */
const gradients = (resize: Resize): KernelCase[] =>
  [false, true].flatMap(alignCorners =>
    [2, 4, 7, 8].map(size => check(x => resize(x as tf.Tensor4D, [size, size], alignCorners), wave([1, 4, 4, 3]))),
  );

testKernels(resizing, {
  ResizeBilinear: [
    ...everySize(methods.bilinear),
    forward(x => methods.bilinear(x as tf.Tensor3D, [3, 3]), wave([2, 2, 1])),
    forward(x => methods.bilinear(x as tf.Tensor4D, [3, 3]), ints([1, 2, 2, 1], 1, 2, 3, 4)),
  ],
  ResizeBilinearGrad: gradients(methods.bilinear),
  ResizeNearestNeighbor: [
    ...everySize(methods.nearest),
    forward(x => methods.nearest(x as tf.Tensor4D, [3, 3]), ints([1, 2, 2, 1], 1, 2, 3, 4)),
  ],
  ResizeNearestNeighborGrad: gradients(methods.nearest),
});

describe('the gradient is the transposed map for every placement, size and shape', () => {
  test.each(Object.entries(methods))('%s', async (_, resize) => {
    const images = wave([2, 4, 6, 3]);
    const executable = await compile(
      ({ inputs: { x } }) => {
        const products = placements.flatMap(placement =>
          sizes.map(size => {
            const f = (image: tf.Tensor) => resize(image as tf.Tensor4D, size, ...placement);
            const y = f(x!);
            const dy = y.mul(0.5).add(0.1);
            return tf.stack([y.mul(dy).sum(), tf.grad(f)(x!, dy).mul(x!).sum()]);
          }),
        );
        const [forwards, backwards] = tf.unstack(tf.stack(products), 1);
        return { outputs: { forwards: forwards!, backwards: backwards! } };
      },
      { inputs: { x: { dtype: 'float32', shape: images.shape } } },
    );
    const { forwards, backwards } = await executable.run({ x: images });
    expectClose(backwards!, forwards!, 1e-5, '<dx, x> = <dy, resize(x)>');
    await executable.release();
  });
});
