/** Group normalisation (Wu and He 2018) of NCHW images, as one kernel. */
import type * as tf from '@tensorflow/tfjs';
import { assertShape, registerFusedKernel, runFusedKernel, show } from './fused-kernel.ts';
import { GROUP_NORM } from './kernel-names.ts';
import { normalise, normaliseGradient } from './normalise.ts';

/** x [B, C, H, W] with the values of each group on the last axis: [B, G, C / G * H * W]. */
function grouped(x: tf.Tensor, groups: number): tf.Tensor {
  const batch = x.shape[0]!;
  return x.reshape([batch, groups, x.size / (batch * groups)]);
}

/** A value per channel [C], ready to broadcast over [B, C, H, W]. */
function perChannel(values: tf.Tensor): tf.Tensor {
  return values.reshape([1, values.size, 1, 1]);
}

registerFusedKernel({
  name: GROUP_NORM,
  compose: ({ x, gamma, beta }, { groups, epsilon }) =>
    normalise(grouped(x!, groups), epsilon).xHat.reshape(x!.shape).mul(perChannel(gamma!)).add(perChannel(beta!)),
  save: ['x', 'gamma'],
  gradient: (dy, [x, gamma], { groups, epsilon }) => {
    const normalised = normalise(grouped(x!, groups), epsilon);
    return {
      x: () => normaliseGradient(grouped(dy.mul(perChannel(gamma!)), groups), normalised).reshape(x!.shape),
      gamma: () => dy.mul(normalised.xHat.reshape(x!.shape)).sum([0, 2, 3]),
      beta: () => dy.sum([0, 2, 3]),
    };
  },
});

/** Parameters of {@link groupNorm}. */
export interface GroupNormOptions {
  /** Factor per channel [C]. */
  readonly weight: tf.Tensor;
  /** Offset per channel [C]. */
  readonly bias: tf.Tensor;
  /** Number of groups; C must be a multiple of it. */
  readonly groups: number;
  /** Added to the variance. @default 1e-5 */
  readonly epsilon?: number;
}

/**
 * Normalises each group of channels of each sample, then scales and shifts per channel.
 * @param x [B, C, H, W]
 * @returns [B, C, H, W]
 * @throws `invalid-argument` when the channels cannot be split into the groups or weight and bias are not [C]
 */
export function groupNorm(x: tf.Tensor, options: GroupNormOptions): tf.Tensor {
  const { weight, bias, groups, epsilon = 1e-5 } = options;
  const channels = x.shape[1]!;
  assertShape(
    x.rank === 4 && Number.isInteger(groups) && groups > 0 && channels % groups === 0,
    () => `groupNorm: x [B, C, H, W] with C a multiple of the ${groups} groups is needed, got ${show(x)}`,
  );
  for (const [name, tensor] of Object.entries({ weight, bias })) {
    assertShape(
      tensor.rank === 1 && tensor.shape[0] === channels,
      () => `groupNorm: the ${name} must have shape [${channels}], got ${show(tensor)}`,
    );
  }
  return runFusedKernel(GROUP_NORM, { x, gamma: weight, beta: bias }, { groups, epsilon });
}
