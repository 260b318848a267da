/** How many tokens a language model would have written itself. */
import * as tf from '@tensorflow/tfjs';

/**
 * The fraction of counted tokens that are the most likely ones, a scalar.
 * @param logits [B, L, V], those of each token
 * @param tokens int32 [B, L]
 * @param counts [B, L], 1 = counts
 */
export function tokenAccuracy(logits: tf.Tensor, tokens: tf.Tensor, counts: tf.Tensor): tf.Tensor {
  const target = tf.oneHot(tokens as tf.Tensor2D, logits.shape.at(-1)!, 1, 0, 'float32');
  const own = tf.sum(tf.mul(logits, target), -1);
  const right = tf.cast(tf.greaterEqual(own, tf.max(logits, -1)), 'float32');
  return tf.div(tf.sum(tf.mul(right, counts)), tf.sum(counts));
}
