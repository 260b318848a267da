import * as tf from '@tensorflow/tfjs';
import { check, forward, ints, testKernels, wave } from '../../../test/support/kernel-table.ts';
import { spaceToBatchKernels } from './space-to-batch.ts';

testKernels(spaceToBatchKernels, {
  SpaceToBatchND: [
    check(
      x =>
        tf.spaceToBatchND(
          x,
          [2, 2],
          [
            [0, 0],
            [0, 0],
          ],
        ),
      wave([1, 4, 6, 2]),
    ),
    check(
      x =>
        tf.spaceToBatchND(
          x,
          [2, 3],
          [
            [1, 0],
            [1, 1],
          ],
        ),
      wave([2, 3, 4, 1]),
    ),
    check(x => tf.spaceToBatchND(x, [2], [[1, 1]]), wave([1, 4, 3])),
    forward(x => tf.spaceToBatchND(x, [2], [[0, 0]]), ints([1, 2], 3, 4)),
  ],
  BatchToSpaceND: [
    check(
      x =>
        tf.batchToSpaceND(
          x,
          [2, 2],
          [
            [0, 0],
            [0, 0],
          ],
        ),
      wave([4, 2, 3, 2]),
    ),
    check(
      x =>
        tf.batchToSpaceND(
          x,
          [2, 2],
          [
            [1, 0],
            [0, 1],
          ],
        ),
      wave([8, 2, 3, 1]),
    ),
    check(x => tf.batchToSpaceND(x, [2], [[0, 1]]), wave([2, 3, 2])),
  ],
  DepthToSpace: [
    forward(x => tf.depthToSpace(x as tf.Tensor4D, 2, 'NHWC'), wave([2, 3, 2, 8])),
    forward(x => tf.depthToSpace(x as tf.Tensor4D, 3, 'NHWC'), wave([1, 1, 2, 9])),
  ],
});
