/** Heun's method for the probability-flow ODE (Karras et al., arXiv 2206.00364, algorithm 1): second order, two evaluations a step. */
import { type ClipOptions, clamp } from './clip.ts';
import { initialScale, result } from './euler.ts';
import { type LevelOptions, ratioLevels, ratioOf } from './levels.ts';
import type { Estimate } from './prediction.ts';
import type { NoiseLevel } from './schedule.ts';
import { amended, checkSteps, firstState, type Solver, type SolverProblem } from './solver.ts';
import { weightedSum } from './weighted-sum.ts';

export interface HeunOptions extends LevelOptions, ClipOptions {
  readonly kind: 'heun';
}

export function* solveHeun(problem: SolverProblem, options: HeunOptions): Solver {
  checkSteps(problem.steps, problem.schedule);
  const levels = ratioLevels(problem.schedule, problem.steps, options).slice(problem.skip ?? 0);
  const total = 2 * (levels.length - 1) - 1;
  let x = firstState(problem, initialScale(levels[0]!, options));
  let index = 0;
  for (let step = 0; index < total; step++) {
    const [s, t] = [levels[step]!, levels[step + 1]!];
    const start = weightedSum([t.alpha / s.alpha, x]); // the state at s, scaled as those at t
    const change = t.alpha * (ratioOf(t) - ratioOf(s));
    const slope: Float32Array = slopeOf(x, s, yield { x, level: s, index: index++, total }, options);
    x = weightedSum([1, start], [change, slope]);
    if (index === total) return amended(problem, result(x, t), undefined);

    x = amended(problem, x, t);
    const next: Float32Array = slopeOf(x, t, yield { x, level: t, index: index++, total }, options);
    x = amended(problem, weightedSum([1, start], [change / 2, slope], [change / 2, next]), t);
  }
  return x;
}

/** The derivative of x / alpha by sigma / alpha, which is the noise. */
function slopeOf(x: Float32Array, { alpha, sigma }: NoiseLevel, { x0, eps }: Estimate, { clip }: HeunOptions) {
  if (clip === undefined) return eps;
  const data = clamp(x0, clip);
  return weightedSum([1 / sigma, x], [-alpha / sigma, data]);
}
