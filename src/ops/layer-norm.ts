/** Layer normalisation (Ba et al. 2016) over the last axis, as one kernel. Symbols: xHat = (x - mean) / std. */
import * as tf from '@tensorflow/tfjs';
import { assertShape, registerFusedKernel, runFusedKernel, show } from './fused-kernel.ts';
import { LAYER_NORM } from './kernel-names.ts';
import { normalise, normaliseGradient } from './normalise.ts';

registerFusedKernel({
  name: LAYER_NORM,
  compose: ({ x, gamma, beta }, { epsilon }) => {
    let y = normalise(x!, epsilon).xHat;
    if (gamma) y = y.mul(gamma);
    return beta ? y.add(beta) : y;
  },
  save: ['x', 'gamma'],
  gradient: (dy, [x, gamma], { epsilon }) => {
    const normalised = normalise(x!, epsilon);
    const leading = x!.shape.slice(0, -1).map((_, axis) => axis);
    return {
      x: () => normaliseGradient(dy.mul(gamma!), normalised),
      gamma: () => dy.mul(normalised.xHat).sum(leading),
      beta: () => dy.sum(leading),
    };
  },
});

/** Options of {@link layerNorm}. */
export interface LayerNormOptions {
  /** Factor per feature [D]. @default ones */
  readonly weight?: tf.Tensor;
  /** Offset per feature [D]. @default zeros */
  readonly bias?: tf.Tensor;
  /** Added to the variance. @default 1e-5 */
  readonly epsilon?: number;
}

/**
 * Normalises the last axis of `x` to mean 0 and variance 1 (biased estimate), then scales and shifts.
 * @param x [..., D]
 * @returns [..., D]
 * @throws `invalid-argument` when weight or bias is not [D]
 */
export function layerNorm(x: tf.Tensor, options: LayerNormOptions = {}): tf.Tensor {
  const { weight, bias, epsilon = 1e-5 } = options;
  const width = x.shape.at(-1)!;
  for (const [name, tensor] of Object.entries({ weight, bias })) {
    assertShape(
      !tensor || (tensor.rank === 1 && tensor.shape[0] === width),
      () => `layerNorm: the ${name} must have shape [${width}] for x ${show(x)}, got ${show(tensor!)}`,
    );
  }
  // The registered gradient saves gamma, so it is always there.
  const gamma = weight ?? tf.ones([width]);
  return runFusedKernel(LAYER_NORM, bias ? { x, gamma, beta: bias } : { x, gamma }, { epsilon });
}
