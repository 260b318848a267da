/** The solvers by name. */
import { type DdimOptions, solveDdim } from './ddim.ts';
import { type MultistepOptions, solveMultistep } from './dpm-multistep.ts';
import { type SinglestepOptions, solveSinglestep } from './dpm-singlestep.ts';
import type { Solver, SolverProblem } from './solver.ts';

export type SolverOptions = SinglestepOptions | MultistepOptions | DdimOptions;

/**
 * Solves from pure noise, `problem.x`, to data with `problem.steps` evaluation requests.
 *
 * @example
 * const solver = solve({ schedule, x: noise, steps: 20 }, { kind: 'dpm-multistep', order: 2 });
 * let point = solver.next();
 * while (!point.done) point = solver.next(estimate('v', point.value.x, network(point.value), point.value.level));
 * const sample = point.value;
 */
export function solve(problem: SolverProblem, options: SolverOptions): Solver {
  switch (options.kind) {
    case 'dpm-singlestep':
      return solveSinglestep(problem, options);
    case 'dpm-multistep':
      return solveMultistep(problem, options);
    case 'ddim':
      return solveDdim(problem, options);
  }
}
