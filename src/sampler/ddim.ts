/**
 * DDIM (Song et al., arXiv 2010.02502, equations 12 and 16): predict the data, then add less noise to it. `eta` adds fresh
 * noise: 0 is deterministic, 1 is DDPM's ancestral sampling (Ho et al., arXiv 2006.11239, algorithm 2).
 */
import { type ClipOptions, clamp } from './clip.ts';
import type { LevelOptions } from './levels.ts';
import type { Estimate } from './prediction.ts';
import { cleanLevel, type NoiseLevel, type Schedule } from './schedule.ts';
import { amended, checkSteps, drawNoise, firstState, type Solver, type SolverProblem } from './solver.ts';
import { leadingStride, snap, spreadTimesteps, trailingTimes } from './spacing.ts';
import { weightedSum } from './weighted-sum.ts';

/** `ddpm` is DDIM with eta 1, but for the noise it derives from clamped data. */
export interface DdimOptions extends Omit<LevelOptions, 'sigmas'>, ClipOptions {
  readonly kind: 'ddim' | 'ddpm';
  /** Of `ddim`. @default 0 */
  readonly eta?: number;
}

export function* solveDdim(problem: SolverProblem, options: DdimOptions): Solver {
  const { schedule, steps, skip = 0 } = problem;
  checkSteps(steps, schedule);
  const plan = planDdimSteps(schedule, steps, options).slice(skip);
  const eta = options.kind === 'ddpm' ? 1 : (options.eta ?? 0);
  let x = firstState(problem);
  for (const [index, [s, t]] of plan.entries()) {
    const { x0, eps } = clamped(x, s, yield { x, level: s, index, total: plan.length }, options);
    const added = eta * (t.sigma / s.sigma) * Math.sqrt(Math.max(0, 1 - (s.alpha / t.alpha) ** 2));
    const direction = Math.sqrt(Math.max(0, t.sigma ** 2 - added ** 2));
    const noise = eta > 0 ? [[added, drawNoise(problem)] as const] : [];
    x = amended(problem, weightedSum([t.alpha, x0], [direction, eps], ...noise), plan[index + 1]?.[0]);
  }
  return x;
}

function clamped(x: Float32Array, { alpha, sigma }: NoiseLevel, estimate: Estimate, options: DdimOptions): Estimate {
  const { clip, kind } = options;
  if (clip === undefined) return estimate;
  const x0 = clamp(estimate.x0, clip);
  return { x0, eps: kind === 'ddim' ? estimate.eps : weightedSum([1 / sigma, x], [-alpha / sigma, x0]) };
}

/**
 * From which level to which each step goes. On a table a step of `ddim` is one stride long, whatever the spacing, and one of
 * `ddpm` goes to the next timestep.
 */
export function planDdimSteps(
  schedule: Schedule,
  steps: number,
  options: Partial<DdimOptions> = {},
): [NoiseLevel, NoiseLevel][] {
  const { kind = 'ddim', spacing = 'leading', finalSigma = 'zero' } = options;
  const { tMin, isDiscrete } = schedule;
  const final = finalSigma === 'min' ? schedule.at(tMin) : cleanLevel;
  if (!isDiscrete) {
    const levels = [...trailingTimes(schedule, steps).map(t => schedule.at(t)), final];
    return levels.slice(1).map((t, k) => [levels[k]!, t]);
  }
  const stride = leadingStride(schedule, steps);
  const timesteps = spreadTimesteps(schedule, steps, { ...options, spacing }).map(t => snap(schedule, t));
  return timesteps.map((t, index) => {
    const next = kind === 'ddim' ? t - stride : (timesteps[index + 1] ?? tMin - 1);
    return [schedule.at(t), next >= tMin ? schedule.at(next) : final];
  });
}
