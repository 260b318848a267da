/**
 * Euler's method for the probability-flow ODE (Karras et al., arXiv 2206.00364, algorithm 1 without its second order) and its
 * ancestral variant, which steps to less noise than the next level has and adds the rest anew (k-diffusion's
 * sample_euler_ancestral).
 */
import { type LevelOptions, ratioLevels, ratioOf } from './levels.ts';
import type { NoiseLevel } from './schedule.ts';
import { amended, checkSteps, drawNoise, firstState, type Solver, type SolverProblem } from './solver.ts';
import { weightedSum } from './weighted-sum.ts';

export interface EulerOptions extends LevelOptions {
  readonly kind: 'euler' | 'euler-ancestral';
}

export function* solveEuler(problem: SolverProblem, options: EulerOptions): Solver {
  checkSteps(problem.steps, problem.schedule);
  const levels = ratioLevels(problem.schedule, problem.steps, options).slice(problem.skip ?? 0);
  const total = levels.length - 1;
  let x = firstState(problem, initialScale(levels[0]!, options));
  for (let index = 0; index < total; index++) {
    const [s, t] = [levels[index]!, levels[index + 1]!];
    const { x0, eps } = yield { x, level: s, index, total };
    const [from, to] = [ratioOf(s), ratioOf(t)];
    const up = options.kind === 'euler-ancestral' ? to * Math.sqrt(Math.max(0, 1 - (to / from) ** 2)) : 0;
    const down = Math.sqrt(Math.max(0, to ** 2 - up ** 2));
    const noise = options.kind === 'euler-ancestral' ? [[t.alpha * up, drawNoise(problem)] as const] : [];
    x = weightedSum([t.alpha, x0], [t.alpha * down, eps], ...noise);
    x = index + 1 < total ? amended(problem, x, t) : amended(problem, result(x, t), undefined);
  }
  return x;
}

/** Linspace and trailing spacing start at x / alpha = sigma / alpha times noise, and leading spacing at noise alone. */
export function initialScale(first: NoiseLevel, { spacing }: LevelOptions): number {
  return spacing === 'leading' ? 1 : first.sigma;
}

/** The last state as x / alpha. */
export function result(x: Float32Array, { alpha }: NoiseLevel): Float32Array {
  return alpha === 1 ? x : weightedSum([1 / alpha, x]);
}
