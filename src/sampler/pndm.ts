/**
 * PNDM (Liu et al., arXiv 2202.09778): linear multistep of order 4 on DDIM's steps. The first outputs come from one step
 * that is repeated (PLMS, as Stable Diffusion samples), or from three steps of Runge and Kutta (algorithm 2).
 *
 * It is a machine over a list of timesteps: the number of outputs so far, and not the timestep, decides what is done with
 * the next one. A list that begins in the middle is therefore treated as diffusers does, repeated step included.
 */
import { DuetError } from '../core/errors.ts';
import { type FinalSigma, withoutExcess } from './levels.ts';
import type { Estimate } from './prediction.ts';
import { cleanLevel, type NoiseLevel, type Schedule } from './schedule.ts';
import { amended, checkSteps, firstState, type Solver, type SolverProblem } from './solver.ts';
import { leadingStride, type SpacingOptions, snap, spreadTimesteps } from './spacing.ts';
import { weightedSum } from './weighted-sum.ts';

export interface PndmOptions extends SpacingOptions {
  readonly kind: 'pndm';
  /** @default 'min' */
  readonly finalSigma?: FinalSigma;
  /** Which of the network's outputs the multistep formula combines: that of its prediction type. @default 'epsilon' */
  readonly combines?: 'epsilon' | 'v';
  /** Begin with steps of Runge and Kutta; takes at least 4 steps. @default false */
  readonly rungeKutta?: boolean;
}

/** Weights of the latest outputs, newest first, by how many there are (Adams and Bashforth). */
const multistepWeights = [[1], [3 / 2, -1 / 2], [23 / 12, -16 / 12, 5 / 12], [55 / 24, -59 / 24, 37 / 24, -9 / 24]];
/** Weights of the four evaluations of a step of Runge and Kutta. */
const rungeKuttaWeights = [1 / 6, 1 / 3, 1 / 3, 1 / 6];
const rungeKuttaSteps = 3;

export function* solvePndm(problem: SolverProblem, options: PndmOptions): Solver {
  const { steps, skip = 0 } = problem;
  const schedule = withoutExcess(problem.schedule);
  checkSteps(steps, schedule);
  const { first, rest, stride } = planPndm(schedule, steps, options);
  const timesteps = [...first, ...rest].slice(skip);
  const total = timesteps.length;
  const levelAt = levelsUntil(schedule, stride, options);
  const history: Float32Array[] = [];
  const partial: Float32Array[] = [];
  let x = firstState(problem);
  let start = x;

  for (const [index, timestep] of timesteps.entries()) {
    const level = schedule.at(timestep);
    const output = outputOf(yield { x, level, index, total }, level, options);
    let [from, to] = [timestep, timestep - stride];
    let combined: Float32Array;
    if (index < first.length) {
      const stage = index % 4;
      from = first[index - stage]!;
      to = timestep - (stage % 2 === 0 ? halfOf(schedule, stride) : 0);
      if (stage === 0) {
        start = x;
        history.unshift(output);
      }
      partial.push(output);
      combined = output;
      if (stage === 3) combined = weightedSum(...partial.splice(0).map((e, k) => [rungeKuttaWeights[k]!, e] as const));
    } else if (index === 1 && first.length === 0) {
      [from, to] = [timestep + stride, timestep]; // the first step once more, with the mean of both outputs
      combined = weightedSum([0.5, output], [0.5, history[0]!]);
    } else {
      start = x;
      history.unshift(output);
      history.splice(4);
      combined = weightedSum(...multistepWeights[history.length - 1]!.map((w, k) => [w, history[k]!] as const));
    }
    const next = timesteps[index + 1];
    const moved = move(start, levelAt(from), levelAt(to), combined, options);
    x = amended(problem, moved, next === undefined ? undefined : schedule.at(next));
  }
  return x;
}

/** The output of the network's type that an estimate at `level` comes of. */
function outputOf({ x0, eps }: Estimate, { alpha, sigma }: NoiseLevel, { combines }: PndmOptions): Float32Array {
  return combines === 'v' ? weightedSum([alpha, eps], [-sigma, x0]) : eps;
}

/** A step of DDIM from the state `x` at level `s` to level `t` (equation 9). */
function move(x: Float32Array, s: NoiseLevel, t: NoiseLevel, output: Float32Array, { combines }: PndmOptions) {
  const eps = combines === 'v' ? weightedSum([s.alpha, output], [s.sigma, x]) : output;
  return weightedSum([t.alpha / s.alpha, x], [t.sigma - (t.alpha * s.sigma) / s.alpha, eps]);
}

interface PndmPlan {
  /** The timesteps of the steps of Runge and Kutta, four each. */
  readonly first: readonly number[];
  /** Those of the multistep formula. */
  readonly rest: readonly number[];
  readonly stride: number;
}

function planPndm(schedule: Schedule, steps: number, options: PndmOptions): PndmPlan {
  const { spacing = 'leading', rungeKutta = false } = options;
  const stride = leadingStride(schedule, steps);
  const kind = schedule.isDiscrete ? spacing : 'trailing';
  const timesteps = spreadTimesteps(schedule, steps, { ...options, spacing: kind }).map(t => snap(schedule, t));
  if (!rungeKutta) return { first: [], rest: [...timesteps.slice(0, 2), ...timesteps.slice(1)], stride };
  if (steps <= rungeKuttaSteps) {
    throw new DuetError('invalid-argument', `PNDM with steps of Runge and Kutta takes 4 steps or more, got ${steps}`, {
      field: 'steps',
    });
  }
  const half = halfOf(schedule, stride);
  const first = timesteps.slice(0, rungeKuttaSteps).flatMap((t, k) => {
    const next = timesteps[k + 1]!;
    return [t, next + half, next + half, next];
  });
  return { first, rest: timesteps.slice(rungeKuttaSteps), stride };
}

const halfOf = ({ isDiscrete }: Schedule, stride: number): number => (isDiscrete ? Math.floor(stride / 2) : stride / 2);

/** The level at a timestep; below the schedule's first, the final one. */
function levelsUntil(schedule: Schedule, stride: number, { finalSigma = 'min' }: PndmOptions) {
  const { tMin, isDiscrete } = schedule;
  const final = finalSigma === 'min' ? schedule.at(tMin) : cleanLevel;
  const least = isDiscrete ? tMin : tMin + stride / 4; // a continuous schedule's last step ends at tMin but for rounding
  return (t: number): NoiseLevel => (t < least ? final : schedule.at(t));
}
