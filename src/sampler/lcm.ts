/**
 * Sampling of latent consistency models (Luo et al., arXiv 2310.04378, algorithm 2): each evaluation goes to the data at
 * once, which then get the noise of the next timestep. Timesteps are taken from those that the model was distilled on.
 */
import { DuetError } from '../core/errors.ts';
import { type ClipOptions, clamp } from './clip.ts';
import { cleanLevel, type NoiseLevel, type Schedule } from './schedule.ts';
import { amended, checkSteps, drawNoise, firstState, type Solver, type SolverProblem } from './solver.ts';
import { leadingStride, snap } from './spacing.ts';
import { weightedSum } from './weighted-sum.ts';

export interface LcmOptions extends ClipOptions {
  readonly kind: 'lcm';
  /** Steps of the teacher in distillation, an upper limit for those of sampling. @default 50 */
  readonly originalSteps?: number;
  /** Factor of the timestep in the boundary condition. @default 10 */
  readonly timestepScaling?: number;
}

/** Standard deviation of the data in the boundary condition, as the model was distilled with. */
const dataDeviation = 0.5;

export function* solveLcm(problem: SolverProblem, options: LcmOptions): Solver {
  const { schedule, steps, skip = 0 } = problem;
  checkSteps(steps, schedule);
  const levels = lcmLevels(schedule, steps, options).slice(skip);
  const total = levels.length;
  let x = firstState(problem);
  for (const [index, level] of levels.entries()) {
    const { x0 } = yield { x, level, index, total };
    const { clip = Number.POSITIVE_INFINITY, timestepScaling = 10 } = options;
    const data = clamp(x0, clip);
    const scaled = level.t * timestepScaling;
    const norm = Math.hypot(scaled, dataDeviation);
    const denoised = weightedSum([scaled / norm, data], [(dataDeviation / norm) ** 2, x]);
    const next = levels[index + 1] ?? cleanLevel;
    const noised = index + 1 < total ? weightedSum([next.alpha, denoised], [next.sigma, drawNoise(problem)]) : denoised;
    x = amended(problem, noised, levels[index + 1]);
  }
  return x;
}

function lcmLevels(schedule: Schedule, steps: number, { originalSteps = 50 }: LcmOptions): NoiseLevel[] {
  const { tMin, tMax, isDiscrete } = schedule;
  const most = Math.min(originalSteps, isDiscrete ? tMax - tMin + 1 : originalSteps);
  if (steps > most) {
    throw new DuetError(
      'invalid-argument',
      `The solver lcm takes at most ${most} steps, got ${steps}; 4 to 8 are usual`,
      {
        field: 'steps',
      },
    );
  }
  const stride = leadingStride(schedule, most);
  const offset = isDiscrete ? 1 : 0;
  return Array.from({ length: steps }, (_, i) => {
    const index = most - Math.floor(i * (most / steps));
    return schedule.at(snap(schedule, tMin + index * stride - offset));
  });
}
