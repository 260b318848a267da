/**
 * The method of Euler and Maruyama for the reverse variance-preserving SDE, or Euler's for its probability-flow ODE (Song et
 * al., arXiv 2011.13456, equations 6, 13 and appendix D.1), as U-ViT samples with it: evenly in tau from 1 to 0.001, then to 0.
 */
import { DuetError } from '../core/errors.ts';
import { amended, checkSteps, drawNoise, firstState, type Solver, type SolverProblem } from './solver.ts';
import { linspace } from './spacing.ts';
import { weightedSum } from './weighted-sum.ts';

export interface EulerMaruyamaOptions {
  readonly kind: 'euler-maruyama';
  /** Solve the SDE rather than the ODE. @default true */
  readonly stochastic?: boolean;
}

const leastTau = 1e-3;

export function* solveEulerMaruyama(problem: SolverProblem, options: EulerMaruyamaOptions): Solver {
  const { schedule, steps, skip = 0 } = problem;
  const { stochastic = true } = options;
  checkSteps(steps, schedule);
  const { rate } = schedule;
  if (!rate)
    throw new DuetError('invalid-argument', 'This solver needs a schedule in continuous time, such as vp-linear');
  const taus = [0, ...linspace(leastTau, 1, steps)].reverse();
  const levels = taus.slice(skip, -1).map(tau => schedule.at(tau * schedule.tMax));
  let x = firstState(problem);
  for (const [index, level] of levels.entries()) {
    const { eps } = yield { x, level, index, total: levels.length };
    const [tau, next] = [taus[skip + index]!, taus[skip + index + 1]!];
    const beta = rate(level.t);
    const growth = beta * (tau - next);
    // The drift is -beta x / 2 - beta score, with half the score in the ODE, and score = -eps / sigma.
    const terms = [[1 + growth / 2, x] as const, [(-growth * (stochastic ? 1 : 0.5)) / level.sigma, eps] as const];
    const isNoised = stochastic && next > 0;
    const noise = isNoised ? [[Math.sqrt(growth), drawNoise(problem)] as const] : [];
    x = amended(problem, weightedSum(...terms, ...noise), levels[index + 1]);
  }
  return x;
}
