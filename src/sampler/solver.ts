/**
 * What all solvers share. A solver is a generator: it yields evaluation requests and receives the estimate of each; its
 * return value is the sample. It does not depend on networks, guidance or modes.
 */
import { DuetError } from '../core/errors.ts';
import type { Estimate } from './prediction.ts';
import type { NoiseLevel, Schedule } from './schedule.ts';

/** An evaluation request of a solver: the state, its noise level, and the place of the evaluation among all. */
interface SolverPoint {
  /** The solver goes on from what is in here when it is answered: who answers may change it, as inpainting does. */
  readonly x: Float32Array;
  readonly level: NoiseLevel;
  /** Number of this evaluation, from 0. */
  readonly index: number;
  /** Number of evaluations that the solver makes in all. */
  readonly total: number;
}

export type Solver = Generator<SolverPoint, Float32Array, Estimate>;

/** What a solver starts from. */
export interface SolverProblem {
  readonly schedule: Schedule;
  /** The state at the level of the first evaluation; at `schedule.tMax` standard normal. May be overwritten. */
  readonly x: Float32Array;
  /** Number of evaluation requests; guidance may take several rows of a network call for each. */
  readonly steps: number;
  /**
   * Evaluations to leave out at the beginning, of those of all `steps`: who has data starts from them, with as much noise as
   * the first evaluation that is left expects. Fewer than there are. @default 0
   */
  readonly begin?: number;
  /** Standard normal noise of `length` values for solvers that add noise, one draw a step. */
  readonly noise?: (length: number) => Float32Array;
}

/** Throws unless `steps` is an integer from 1 to the number of timesteps that the schedule distinguishes. */
export function checkSteps(steps: number, schedule: Schedule): void {
  const most = schedule.isDiscrete ? schedule.tMax - schedule.tMin : Number.MAX_SAFE_INTEGER;
  if (Number.isSafeInteger(steps) && steps >= 1 && steps <= most) return;
  const range = schedule.isDiscrete ? `from 1 to ${most}` : 'from 1 on';
  throw new DuetError('invalid-argument', `The number of steps is an integer ${range}, got ${steps}`);
}

/** Noise for one step. Throws DuetError 'invalid-argument' if the problem has no source of noise. */
export function drawNoise(problem: SolverProblem): Float32Array {
  if (problem.noise) return problem.noise(problem.x.length);
  throw new DuetError('invalid-argument', 'A solver that adds noise (eta > 0 or stochastic) needs a source of noise');
}

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
