/** Blocks of pixels as channels and back, so that the convolutions work at a lower resolution. */
import type * as tf from '@tensorflow/tfjs';

/** [B, C, H, W] -> [B, C p p, H / p, W / p]; channels of one colour stay together. */
export function spaceToDepth(x: tf.Tensor, p: number): tf.Tensor {
  if (p === 1) return x;
  const [batch, channels, height, width] = x.shape as [number, number, number, number];
  return x
    .reshape([batch, channels, height / p, p, width / p, p])
    .transpose([0, 1, 3, 5, 2, 4]) // [B, C, p, p, H / p, W / p]
    .reshape([batch, channels * p * p, height / p, width / p]);
}

/** The inverse of {@link spaceToDepth}. */
export function depthToSpace(x: tf.Tensor, p: number): tf.Tensor {
  if (p === 1) return x;
  const [batch, channels, height, width] = x.shape as [number, number, number, number];
  return x
    .reshape([batch, channels / (p * p), p, p, height, width])
    .transpose([0, 1, 4, 2, 5, 3]) // [B, C, H, p, W, p]
    .reshape([batch, channels / (p * p), height * p, width * p]);
}
