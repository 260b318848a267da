/**
 * DDIM run backwards: from data to the noise that DDIM makes this data of (Song et al., arXiv 2010.02502, section 4.3).
 * A step of DDIM is x_t = cos(d) x_s - sin(d) v(x_s, s), with v = alpha eps - sigma x0 and d the angle between the levels
 * s and t, so the x_s that leads to a known x_t is a fixed point of x_s = (x_t + sin(d) v(x_s, s)) / cos(d). One
 * evaluation a step is plain DDIM inversion; further ones reduce the error of the reconstruction (Pan et
 * al., arXiv 2309.04907). In this form the iteration contracts at every noise level.
 */
import { planDdimSteps } from './ddim.ts';
import { checkSteps, type Solver, type SolverProblem } from './solver.ts';
import { weightedSum } from './weighted-sum.ts';

export interface InversionOptions {
  /** Evaluations at each of the steps. @default 1 */
  readonly refinements?: number;
}

/** `problem.x` is data here; the result is what `solveDdim` with as many steps makes `problem.x` of. */
export function* invertDdim(problem: SolverProblem, { refinements = 1 }: InversionOptions = {}): Solver {
  const { schedule, steps } = problem;
  checkSteps(steps, schedule);
  const plan = planDdimSteps(schedule, steps).reverse();
  const total = plan.length * refinements;
  let x = problem.x;
  let v: Float32Array = new Float32Array(x.length);
  for (const [step, [s, t]] of plan.entries()) {
    const cos = s.alpha * t.alpha + s.sigma * t.sigma;
    const sin = s.sigma * t.alpha - s.alpha * t.sigma;
    const before = (velocity: Float32Array) => weightedSum([1 / cos, x], [sin / cos, velocity]);
    for (let round = 0; round < refinements; round++) {
      const index = step * refinements + round;
      const { x0, eps } = yield { x: before(v), level: s, index, total };
      v = weightedSum([s.alpha, eps], [-s.sigma, x0]);
    }
    x = before(v);
  }
  return x;
}
