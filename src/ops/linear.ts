/** The affine map of the last axis, as one kernel so that it lowers to a single matrix product with bias. */
import type * as tf from '@tensorflow/tfjs';
import { assertShape, registerFusedKernel, runFusedKernel, show } from './fused-kernel.ts';
import { LINEAR } from './kernel-names.ts';

/** The rows of `x` [..., I] as a matrix [rows, I]. */
function rows(x: tf.Tensor): tf.Tensor2D {
  const width = x.shape.at(-1)!;
  return x.reshape([x.size / width, width]);
}

registerFusedKernel({
  name: LINEAR,
  compose: ({ x, weight, bias }) => {
    const product = rows(x!).matMul(weight!);
    return (bias ? product.add(bias) : product).reshape([...x!.shape.slice(0, -1), weight!.shape[1]!]);
  },
  save: ['x', 'weight'],
  gradient: (dy, [x, weight]) => ({
    x: () => rows(dy).matMul(weight!, false, true).reshape(x!.shape),
    weight: () => rows(x!).matMul(rows(dy), true, false),
    bias: () => rows(dy).sum(0),
  }),
});

/**
 * `x` W + b over the last axis.
 * @param x [..., I]
 * @param weight [I, O]
 * @param bias [O]
 * @returns [..., O]
 * @throws `invalid-argument` when the shapes do not fit
 */
export function linear(x: tf.Tensor, weight: tf.Tensor, bias?: tf.Tensor): tf.Tensor {
  assertShape(
    x.rank >= 1 && weight.rank === 2 && x.shape.at(-1) === weight.shape[0],
    () => `linear: x ${show(x)} must end in the first dimension of the weight ${show(weight)} [in, out]`,
  );
  assertShape(
    !bias || (bias.rank === 1 && bias.shape[0] === weight.shape[1]),
    () => `linear: the bias must have shape [${weight.shape[1]}], got ${show(bias!)}`,
  );
  return runFusedKernel(LINEAR, bias ? { x, weight, bias } : { x, weight }, {});
}
