/** Nearest-neighbour enlargement of NCHW images by two. */
import type * as tf from '@tensorflow/tfjs';
import { assertShape, registerFusedKernel, runFusedKernel, show } from './fused-kernel.ts';
import { UPSAMPLE_2X, UPSAMPLE_2X_GRAD } from './kernel-names.ts';

registerFusedKernel({
  name: UPSAMPLE_2X,
  compose: ({ x }) => {
    const [batch, channels, height, width] = x!.shape as [number, number, number, number];
    const lines = batch * channels * height;
    const wide = x!.reshape([lines * width, 1]).tile([1, 2]); // [B C H W, 2]
    return wide
      .reshape([lines, 1, 2 * width])
      .tile([1, 2, 1]) // [B C H, 2, 2 W]
      .reshape([batch, channels, 2 * height, 2 * width]);
  },
  gradient: dy => ({ x: () => runFusedKernel(UPSAMPLE_2X_GRAD, { dy }, {}) }),
});

registerFusedKernel({
  name: UPSAMPLE_2X_GRAD,
  compose: ({ dy }) => {
    const [batch, channels, height, width] = dy!.shape as [number, number, number, number];
    return dy!
      .reshape([(batch * channels * height) / 2, 2, width / 2, 2])
      .sum([1, 3])
      .reshape([batch, channels, height / 2, width / 2]);
  },
});

/**
 * Repeats every pixel twice along both axes.
 * @param x [B, C, H, W]
 * @returns [B, C, 2H, 2W]
 * @throws `invalid-argument` unless x has four axes
 */
export function upsample2x(x: tf.Tensor): tf.Tensor {
  assertShape(x.rank === 4, () => `upsample2x: x [B, C, H, W] is needed, got ${show(x)}`);
  return runFusedKernel(UPSAMPLE_2X, { x }, {});
}
