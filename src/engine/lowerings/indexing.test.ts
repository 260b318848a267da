import * as tf from '@tensorflow/tfjs';
import { floats, forward, ints, testKernels, wave } from '../../../test/support/kernel-table.ts';
import { indexing } from './indexing.ts';

const numbers = ints([2, 3], 3, -1, 4, 1, -5, 9);

testKernels(indexing, {
  GatherNd: [
    forward((x, indices) => tf.gatherND(x!, indices!), wave([3, 4]), ints([2, 2], 0, 3, 2, 1)),
    forward((x, indices) => tf.gatherND(x!, indices!), wave([3, 4]), ints([2, 1], 2, 0)),
    forward((x, indices) => tf.gatherND(x!, indices!), wave([2, 3, 2]), ints([2, 1, 2], 0, 2, 1, 1)),
    forward((x, indices) => tf.gatherND(x!, indices!), numbers, ints([2, 2], 0, 2, 1, 1)),
  ],
  ScatterNd: [
    forward((indices, updates) => tf.scatterND(indices!, updates!, [5]), ints([3, 1], 4, 0, 4), floats(1, 2, 3)),
    forward((indices, updates) => tf.scatterND(indices!, updates!, [4, 3]), ints([2, 1], 2, 2), wave([2, 3])),
    forward((indices, updates) => tf.scatterND(indices!, updates!, [2, 2]), ints([2, 2], 0, 1, 1, 0), floats(5, 7)),
    forward((indices, updates) => tf.scatterND(indices!, updates!, [4]), ints([2, 1], 3, 3), ints([2], 5, 7)),
  ],
  TensorScatterUpdate: [
    forward(
      (x, indices, updates) => tf.tensorScatterUpdate(x!, indices!, updates!),
      wave([4]),
      ints([2, 1], 3, 0),
      floats(9, 8),
    ),
    forward(
      (x, indices, updates) => tf.tensorScatterUpdate(x!, indices!, updates!),
      wave([3, 2]),
      ints([1, 1], 1),
      wave([1, 2], 2),
    ),
  ],
  TopK: [
    forward(x => Object.values(tf.topk(x, 2)), wave([3, 5])),
    forward(x => Object.values(tf.topk(x, 1)), wave([4])),
    forward(x => Object.values(tf.topk(x, 4)), floats(1, 7, 7, 1, 7)),
    forward(x => Object.values(tf.topk(x, 3)), numbers),
    forward(x => Object.values(tf.topk(x, 3)), floats(Number.NEGATIVE_INFINITY, 1, Number.POSITIVE_INFINITY, 0)),
  ],
});
