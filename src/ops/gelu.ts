/** Gaussian error linear units (Hendrycks and Gimpel 2016): exact, with tanh (GPT-2), with a sigmoid (CLIP). */
import * as tf from '@tensorflow/tfjs';
import { registerFusedKernel, runFusedKernel } from './fused-kernel.ts';
import { GELU, GELU_GRAD, type GeluApproximation } from './kernel-names.ts';

const SQRT_HALF = Math.SQRT1_2;
/** 1 / sqrt(2 pi): the height of the normal density. */
const DENSITY = 1 / Math.sqrt(2 * Math.PI);
const SQRT_2_OVER_PI = Math.sqrt(2 / Math.PI);
/** The cubic coefficient of the paper's tanh approximation. */
const CUBIC = 0.044715;
/** The slope of the paper's sigmoid approximation. */
const QUICK_SLOPE = 1.702;

/** The argument of the tanh approximation: sqrt(2/pi) (x + 0.044715 x^3). */
function tanhArgument(x: tf.Tensor): tf.Tensor {
  return x.mul(x.square().mul(CUBIC).add(1)).mul(SQRT_2_OVER_PI);
}

/** The factor of x: the (approximated) normal distribution function. */
const gate: Record<GeluApproximation, (x: tf.Tensor) => tf.Tensor> = {
  erf: x => tf.erf(x.mul(SQRT_HALF)).add(1).mul(0.5),
  tanh: x => tanhArgument(x).tanh().add(1).mul(0.5),
  quick: x => x.mul(QUICK_SLOPE).sigmoid(),
};

/** d gelu / dx. */
const slope: Record<GeluApproximation, (x: tf.Tensor) => tf.Tensor> = {
  erf: x => gate.erf(x).add(x.mul(x.square().mul(-0.5).exp()).mul(DENSITY)),
  tanh: x => {
    const tanh = tanhArgument(x).tanh();
    const inner = x
      .square()
      .mul(3 * CUBIC)
      .add(1)
      .mul(SQRT_2_OVER_PI);
    // The tails first: 1 - tanh^2 is exactly 0 where x^3 overflows.
    return tanh.add(1).mul(0.5).add(tanh.square().neg().add(1).mul(x).mul(0.5).mul(inner));
  },
  quick: x => {
    const sigmoid = gate.quick(x);
    return sigmoid.mul(sigmoid.neg().add(1).mul(x).mul(QUICK_SLOPE).add(1));
  },
};

registerFusedKernel({
  name: GELU,
  compose: ({ x }, { approximation }) => x!.mul(gate[approximation](x!)),
  save: ['x'],
  gradient: (dy, [x], attributes) => ({ x: () => runFusedKernel(GELU_GRAD, { x: x!, dy }, attributes) }),
});

registerFusedKernel({
  name: GELU_GRAD,
  compose: ({ x, dy }, { approximation }) => dy!.mul(slope[approximation](x!)),
});

/**
 * x Phi(x), elementwise.
 * @param approximation `erf` is exact (up to the backend's erf), `tanh` GPT-2's "gelu_new", `quick` CLIP's "quick_gelu"
 */
export function gelu(x: tf.Tensor, approximation: GeluApproximation = 'erf'): tf.Tensor {
  return runFusedKernel(GELU, { x }, { approximation });
}
