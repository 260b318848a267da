/** The residual block of the U-Net: two convolutions, with the conditioning vector between them (Ho et al., arXiv 2006.11239). */
import * as tf from '@tensorflow/tfjs';
import { type ConvSpec, convLayer, convSpec } from '../nn/conv.ts';
import { type LinearSpec, linearLayer, linearSpec } from '../nn/linear.ts';
import { groupNormLayer, type NormSpec, normSpec } from '../nn/norm.ts';
import type { Params } from '../nn/params.ts';
import { silu } from '../ops/index.ts';
import { conditionWidthOf, type UnetConfig } from './config.ts';

/** diffusers' default. */
export const NORM_EPSILON = 1e-5;

export type ResidualBlockSpec = {
  readonly norm1: NormSpec;
  readonly conv1: ConvSpec;
  /** Conditioning vector to an offset per channel, or to a factor and an offset. */
  readonly time: LinearSpec;
  readonly norm2: NormSpec;
  readonly conv2: ConvSpec;
  /** 1 x 1, where the number of channels changes. */
  readonly shortcut?: ConvSpec;
};

export function residualBlockSpec(inputs: number, outputs: number, config: UnetConfig): ResidualBlockSpec {
  const parts = config.conditioning === 'scale-shift' ? 2 : 1;
  return {
    norm1: normSpec(inputs),
    conv1: convSpec(inputs, outputs, 3),
    time: linearSpec(conditionWidthOf(config), parts * outputs),
    norm2: normSpec(outputs),
    conv2: convSpec(outputs, outputs, 3),
    ...(inputs === outputs ? {} : { shortcut: convSpec(inputs, outputs, 1) }),
  };
}

/**
 * x [B, C, H, W] -> [B, C', H, W].
 * @param condition SiLU of the conditioning vector, [B, E]
 * @param scale the sum is divided by it
 */
export function residualBlock(
  params: Params<ResidualBlockSpec>,
  x: tf.Tensor,
  condition: tf.Tensor,
  { normGroups, normEpsilon = NORM_EPSILON, conditioning = 'add' }: UnetConfig,
  scale = 1,
): tf.Tensor {
  const norm = (own: Params<NormSpec>, h: tf.Tensor) => groupNormLayer(own, h, normGroups, normEpsilon);
  const time = linearLayer(params.time, condition);
  const perChannel = (values: tf.Tensor) => values.reshape([x.shape[0]!, values.shape[1]!, 1, 1]);
  let h = convLayer(params.conv1, silu(norm(params.norm1, x)), { pad: 1 });
  if (conditioning === 'add') {
    h = norm(params.norm2, tf.add(h, perChannel(time)));
  } else {
    const [factor, offset] = tf.split(time, 2, 1).map(perChannel) as [tf.Tensor, tf.Tensor];
    h = tf.add(tf.mul(norm(params.norm2, h), tf.add(factor, 1)), offset);
  }
  h = convLayer(params.conv2, silu(h), { pad: 1 });
  const sum = tf.add(params.shortcut ? convLayer(params.shortcut, x) : x, h);
  return scale === 1 ? sum : tf.div(sum, scale);
}
