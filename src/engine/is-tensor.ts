/** Tells the tensors in a tree from its branches. */
import type * as tf from '@tensorflow/tfjs';

export function isTensor(node: unknown): node is tf.Tensor {
  return typeof node === 'object' && node !== null && 'dataId' in node;
}
