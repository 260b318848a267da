/** Root mean square normalisation (Zhang and Sennrich 2019, arXiv 1910.07467) over the last axis, as one kernel. */
import type * as tf from '@tensorflow/tfjs';
import { assertShape, registerFusedKernel, runFusedKernel, show } from './fused-kernel.ts';
import { RMS_NORM } from './kernel-names.ts';

/** 1 / sqrt(mean of x^2 + epsilon), [..., 1]. */
function inverseScale(x: tf.Tensor, epsilon: number): tf.Tensor {
  return x.square().mean(-1, true).add(epsilon).rsqrt();
}

registerFusedKernel({
  name: RMS_NORM,
  compose: ({ x, gamma }, { epsilon }) => x!.mul(inverseScale(x!, epsilon)).mul(gamma!),
  save: ['x', 'gamma'],
  gradient: (dy, [x, gamma], { epsilon }) => {
    const scale = inverseScale(x!, epsilon);
    const xHat = x!.mul(scale);
    const leading = x!.shape.slice(0, -1).map((_, axis) => axis);
    return {
      x: () => {
        const d = dy.mul(gamma!);
        return d.sub(xHat.mul(d.mul(xHat).mean(-1, true))).mul(scale);
      },
      gamma: () => dy.mul(xHat).sum(leading),
    };
  },
});

/**
 * weight x / sqrt(mean(x^2) + epsilon) over the last axis.
 * @param x [..., D]
 * @param weight [D]
 * @throws `invalid-argument` when the weight is not [D]
 */
export function rmsNorm(x: tf.Tensor, weight: tf.Tensor, epsilon: number): tf.Tensor {
  assertShape(
    weight.rank === 1 && weight.shape[0] === x.shape.at(-1),
    () => `rmsNorm: the weight must have shape [${x.shape.at(-1)}] for x ${show(x)}, got ${show(weight)}`,
  );
  return runFusedKernel(RMS_NORM, { x, gamma: weight }, { epsilon });
}
