/** Distinguishes the tensors of a tree from its branches. */
import type * as tf from '@tensorflow/tfjs';

export function isTensor(node: unknown): node is tf.Tensor {
  return typeof node === 'object' && node !== null && 'dataId' in node;
}
