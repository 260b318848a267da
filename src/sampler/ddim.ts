/**
 * DDIM (Song et al., arXiv 2010.02502, equations 12 and 16): predict the data, then add less noise to it. `eta` adds fresh
 * noise: 0 is deterministic, 1 is DDPM's ancestral sampling.
 */
import { cleanLevel, type NoiseLevel, type Schedule } from './schedule.ts';
import { checkSteps, drawNoise, type Solver, type SolverProblem } from './solver.ts';
import { leadingStride, linspace, type Spacing, snap, trailingTimes } from './spacing.ts';
import { weightedSum } from './weighted-sum.ts';

export interface DdimOptions {
  readonly kind: 'ddim';
  /** @default 0 */
  readonly eta?: number;
  /** @default 'leading' */
  readonly spacing?: Spacing;
  /** Added to the timesteps of `leading` spacing. @default 0 */
  readonly stepsOffset?: number;
  /** Where the last step ends: without noise, or at the schedule's cleanest level. @default 'zero' */
  readonly finalSigma?: 'zero' | 'min';
  /** Clamp each predicted sample to [-clip, clip]; for models of pixels. @default no clamp */
  readonly clip?: number;
}

export function* solveDdim(problem: SolverProblem, options: DdimOptions): Solver {
  const { eta = 0, clip } = options;
  checkSteps(problem.steps, problem.schedule);
  const plan = planDdimSteps(problem.schedule, problem.steps, options).slice(problem.begin);
  let x = problem.x;
  for (const [index, [s, t]] of plan.entries()) {
    const { x0, eps } = yield { x, level: s, index, total: plan.length };
    const data = clip === undefined ? x0 : x0.map(value => Math.min(Math.max(value, -clip), clip));
    const added = eta * (t.sigma / s.sigma) * Math.sqrt(Math.max(0, 1 - (s.alpha / t.alpha) ** 2));
    const direction = Math.sqrt(Math.max(0, t.sigma ** 2 - added ** 2));
    const noise = eta > 0 ? [[added, drawNoise(problem)] as const] : [];
    x = weightedSum([t.alpha, data], [direction, eps], ...noise);
  }
  return x;
}

/** From which level to which each step goes. On a table each step is one stride long, whatever the spacing. */
export function planDdimSteps(
  schedule: Schedule,
  steps: number,
  options: Partial<DdimOptions> = {},
): [NoiseLevel, NoiseLevel][] {
  const { spacing = 'leading', stepsOffset = 0, finalSigma = 'zero' } = options;
  const { tMin, tMax, isDiscrete } = schedule;
  const final = finalSigma === 'min' ? schedule.at(tMin) : cleanLevel;
  const stride = leadingStride(schedule, steps);
  const leading = () => Array.from({ length: steps }, (_, i) => tMin + (steps - 1 - i) * stride + stepsOffset);
  const times = {
    linspace: () => linspace(tMin, tMax, steps).reverse(),
    leading,
    trailing: () => trailingTimes(schedule, steps),
  };
  if (!isDiscrete) {
    const levels = [...trailingTimes(schedule, steps).map(t => schedule.at(t)), final];
    return levels.slice(1).map((t, k) => [levels[k]!, t]);
  }
  return times[spacing]().map(time => {
    const t = snap(schedule, time);
    return [schedule.at(t), t - stride >= tMin ? schedule.at(t - stride) : final];
  });
}
