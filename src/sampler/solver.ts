/**
 * What all solvers share. A solver is a generator: it yields evaluation requests and receives the estimate of each; its
 * return value is the sample. It does not depend on networks, guidance or modes. States are variance preserving,
 * x = alpha x0 + sigma eps, and thus the network's input, also where a method is written for x / alpha.
 */
import { DuetError } from '../core/errors.ts';
import type { Estimate } from './prediction.ts';
import type { NoiseLevel, Schedule } from './schedule.ts';
import { weightedSum } from './weighted-sum.ts';

/** An evaluation request of a solver: the state, its noise level, and the place of the evaluation among all. */
interface SolverPoint {
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
  /** Standard normal noise; with `skip`, the state at the level of the first step that is made. */
  readonly x: Float32Array;
  /** Number of steps of the whole way; most solvers make one evaluation request for each. */
  readonly steps: number;
  /** How many entries of the timestep list are left out at the beginning, for data that already has some noise. */
  readonly skip?: number;
  /** Standard normal noise of `length` values for solvers that add noise, one draw a step. */
  readonly noise?: (length: number) => Float32Array;
  /**
   * Replaces the state after each evaluation, as inpainting does with known values.
   * @param next the level of the next evaluation, or undefined for the result
   */
  readonly amend?: (x: Float32Array, next: NoiseLevel | undefined) => Float32Array;
}

/**
 * Throws unless `steps` is an integer from 1 to the number of timesteps that the schedule distinguishes.
 * @param spare timesteps that the solver needs beside those of its steps
 */
export function checkSteps(steps: number, schedule: Schedule, spare = 0): void {
  const most = schedule.isDiscrete ? schedule.tMax - schedule.tMin + 1 - spare : Number.MAX_SAFE_INTEGER;
  if (Number.isSafeInteger(steps) && steps >= 1 && steps <= most) return;
  const range = schedule.isDiscrete ? `from 1 to ${most}` : 'from 1 on';
  throw new DuetError('invalid-argument', `The number of steps is an integer ${range}, got ${steps}`, {
    field: 'steps',
  });
}

/** The first state: noise at `level`, or the state that was given. */
export function firstState({ x, skip }: SolverProblem, scale = 1): Float32Array {
  return skip === undefined && scale !== 1 ? weightedSum([scale, x]) : x;
}

/** The state after an evaluation. */
export function amended({ amend }: SolverProblem, x: Float32Array, next: NoiseLevel | undefined): Float32Array {
  return amend ? amend(x, next) : x;
}

/** Noise for one step. Throws DuetError 'invalid-argument' if the problem has no source of noise. */
export function drawNoise(problem: SolverProblem): Float32Array {
  if (problem.noise) return problem.noise(problem.x.length);
  throw new DuetError('invalid-argument', 'A solver that adds noise (eta > 0 or stochastic) needs a source of noise');
}
