/** The two integrals that the DPM-Solvers and UniPC approximate. */
import { DuetError } from '../core/errors.ts';
import type { FinalSigma } from './levels.ts';
import type { Estimate } from './prediction.ts';
import type { NoiseLevel } from './schedule.ts';

/**
 * DPM-Solver integrates either the data prediction (DPM-Solver++, arXiv 2211.01095) or the noise prediction (DPM-Solver,
 * arXiv 2206.00927). The formulas are mirror images: exchange alpha and sigma, x0 and eps, and the sign of lambda.
 */
export type Algorithm = 'dpmsolver++' | 'dpmsolver';

interface Parameterization {
  /** The factor of the linear term, whose solution is exact: x_t = (linearFactor_t / linearFactor_s) x_s + integral. */
  readonly linearFactor: (level: NoiseLevel) => number;
  /** The factor of the integral over the predictions. */
  readonly integralFactor: (level: NoiseLevel) => number;
  /** The prediction that is integrated. */
  readonly predictionOf: (estimate: Estimate) => Float32Array;
  /** The exponent of the integrator over a step whose lambda grows by h. */
  readonly exponent: (h: number) => number;
}

export const parameterizations = {
  'dpmsolver++': {
    linearFactor: level => level.sigma,
    integralFactor: level => level.alpha,
    predictionOf: estimate => estimate.x0,
    exponent: h => -h,
  },
  dpmsolver: {
    linearFactor: level => level.alpha,
    integralFactor: level => level.sigma,
    predictionOf: estimate => estimate.eps,
    exponent: h => h,
  },
} satisfies Record<Algorithm, Parameterization>;

interface EndOptions {
  readonly algorithm?: Algorithm;
  readonly finalSigma?: FinalSigma;
}

/** Throws DuetError 'invalid-argument' where the noise prediction would be integrated to a level without noise. */
export function checkEnd({ algorithm = 'dpmsolver++', finalSigma = 'zero' }: EndOptions): void {
  if (algorithm === 'dpmsolver++' || finalSigma === 'min') return;
  throw new DuetError('invalid-argument', "Noise prediction cannot end without noise: use finalSigma 'min'");
}
