/** The solvers by name. */
import { type DdimOptions, solveDdim } from './ddim.ts';
import { type MultistepOptions, solveMultistep } from './dpm-multistep.ts';
import { type SinglestepOptions, solveSinglestep } from './dpm-singlestep.ts';
import { type SinglestepGridOptions, solveSinglestepGrid } from './dpm-singlestep-grid.ts';
import { type EulerOptions, solveEuler } from './euler.ts';
import { type EulerMaruyamaOptions, solveEulerMaruyama } from './euler-maruyama.ts';
import { type HeunOptions, solveHeun } from './heun.ts';
import { type LcmOptions, solveLcm } from './lcm.ts';
import { type PndmOptions, solvePndm } from './pndm.ts';
import type { NoiseLevel } from './schedule.ts';
import type { Solver, SolverProblem } from './solver.ts';
import { solveUniPc, type UniPcOptions } from './unipc.ts';

export type SolverOptions =
  | DdimOptions
  | PndmOptions
  | EulerOptions
  | EulerMaruyamaOptions
  | HeunOptions
  | MultistepOptions
  | SinglestepOptions
  | SinglestepGridOptions
  | UniPcOptions
  | LcmOptions;

/**
 * Solves from pure noise, `problem.x`, to data with `problem.steps` steps.
 *
 * @example
 * const solver = solve({ schedule, x: noise, steps: 20 }, { kind: 'dpm-multistep', order: 2 });
 * let point = solver.next();
 * while (!point.done) point = solver.next(estimate('v', point.value.x, network(point.value), point.value.level));
 * const sample = point.value;
 */
export function solve(problem: SolverProblem, options: SolverOptions): Solver {
  switch (options.kind) {
    case 'ddim':
    case 'ddpm':
      return solveDdim(problem, options);
    case 'pndm':
      return solvePndm(problem, options);
    case 'euler':
    case 'euler-ancestral':
      return solveEuler(problem, options);
    case 'euler-maruyama':
      return solveEulerMaruyama(problem, options);
    case 'heun':
      return solveHeun(problem, options);
    case 'dpm-multistep':
      return solveMultistep(problem, options);
    case 'dpm-singlestep':
      return options.method === 'grid' ? solveSinglestepGrid(problem, options) : solveSinglestep(problem, options);
    case 'unipc':
      return solveUniPc(problem, options);
    case 'lcm':
      return solveLcm(problem, options);
  }
}

/** How a run begins: the level of its first evaluation, for data that get that much noise, and the number of them all. */
export function firstEvaluation(
  problem: Pick<SolverProblem, 'schedule' | 'steps' | 'skip'>,
  options: SolverOptions,
): { readonly level: NoiseLevel; readonly total: number } | undefined {
  const { value, done } = solve({ ...problem, x: new Float32Array(0) }, options).next();
  return done ? undefined : { level: value.level, total: value.total };
}
