/** Which keys attention may see, as what is added to its scores. */
import * as tf from '@tensorflow/tfjs';

// Large enough to vanish in any fp32 softmax, small enough to be added to a causal mask without overflow.
const hidden = -1e9;

/** The additive mask [B, 1, 1, L] of key visibilities [B, L]: 1 where a key may be seen, 0 where it is hidden. */
export function keyMask(visible: tf.Tensor): tf.Tensor {
  const [batch, length] = visible.shape as [number, number];
  return additiveMask(visible).reshape([batch, 1, 1, length]);
}

/** What is added to scores: 0 where `visible` is 1 or true, a large negative number elsewhere. Of the same shape. */
export function additiveMask(visible: tf.Tensor): tf.Tensor {
  return tf.mul(tf.sub(1, tf.cast(visible, 'float32')), hidden);
}
