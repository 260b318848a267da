/** The sigmoid linear unit x sigmoid(x), also called swish. */
import * as tf from '@tensorflow/tfjs';
import { registerFusedKernel, runFusedKernel } from './fused-kernel.ts';
import { SILU } from './kernel-names.ts';

registerFusedKernel({
  name: SILU,
  compose: ({ x }) => x!.mul(tf.sigmoid(x!)),
  save: ['x'],
  gradient: (dy, [x]) => ({
    x: () => {
      const sigmoid = tf.sigmoid(x!);
      return dy.mul(sigmoid.mul(sigmoid.neg().add(1).mul(x!).add(1)));
    },
  }),
});

/** x sigmoid(x), elementwise. */
export function silu(x: tf.Tensor): tf.Tensor {
  return runFusedKernel(SILU, { x }, {});
}
