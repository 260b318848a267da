/**
 * Rotary position embedding (Su et al. 2021, arXiv 2104.09864, section 3.2) as one kernel, in the layout of two halves: within
 * each head, element k turns with element k + d/2 by the angle of frequency k.
 */
import * as tf from '@tensorflow/tfjs';
import { assertShape, registerFusedKernel, runFusedKernel, show } from './fused-kernel.ts';
import { ROTARY } from './kernel-names.ts';

/** x [B, N, h d] turned by the angles whose cos and sin are [B, N, d/2]. */
function rotate(x: tf.Tensor, cos: tf.Tensor, sin: tf.Tensor): tf.Tensor {
  const [batch, length, width] = x.shape as [number, number, number];
  const half = cos.shape[2]!;
  const heads = width / (2 * half);
  const [first, second] = tf.split(x.reshape([batch, length, heads, 2 * half]), 2, 3) as [tf.Tensor, tf.Tensor];
  const [c, s] = [cos, sin].map(factor => factor.reshape([batch, length, 1, half])) as [tf.Tensor, tf.Tensor];
  const turned = tf.concat([first.mul(c).sub(second.mul(s)), second.mul(c).add(first.mul(s))], 3);
  return turned.reshape([batch, length, width]);
}

registerFusedKernel({
  name: ROTARY,
  compose: ({ x, cos, sin }) => rotate(x!, cos!, sin!),
  save: ['cos', 'sin'],
  gradient: (dy, [cos, sin]) => ({
    // The inverse of a rotation is its transpose.
    x: () => rotate(dy, cos!, sin!.neg()),
    cos: notDifferentiable,
    sin: notDifferentiable,
  }),
});

function notDifferentiable(): never {
  throw new Error('The angles of a rotary embedding are constants; no gradient reaches them');
}

/**
 * Turns each head of `x` by the angles of its position.
 * @param x [B, N, heads * d]
 * @param cos [B, N, d/2], cosines of the angles, possibly scaled
 * @param sin [B, N, d/2]
 * @returns [B, N, heads * d]
 * @throws `invalid-argument` when the shapes do not fit
 */
export function rotary(x: tf.Tensor, cos: tf.Tensor, sin: tf.Tensor): tf.Tensor {
  assertShape(
    x.rank === 3 &&
      cos.rank === 3 &&
      `${cos.shape}` === `${sin.shape}` &&
      cos.shape[0] === x.shape[0] &&
      cos.shape[1] === x.shape[1] &&
      x.shape[2]! % (2 * cos.shape[2]!) === 0,
    () => `rotary: x [B, N, heads d], cos and sin [B, N, d/2] are needed, got ${show(x)}, ${show(cos)}, ${show(sin)}`,
  );
  return runFusedKernel(ROTARY, { x, cos, sin }, {});
}
