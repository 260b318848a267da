/**
 * How diffusers spreads S steps over the timesteps of a schedule ("timestep spacing", Lin et al., arXiv 2305.08891,
 * table 2). On a table the timesteps are rounded to integers, ties to even as NumPy does; on a continuous schedule the
 * same spacings are used without rounding.
 */
import { DuetError } from '../core/errors.ts';
import { roundHalfEven } from './interpolate.ts';
import type { Schedule } from './schedule.ts';

export type Spacing = 'linspace' | 'leading' | 'trailing';

export interface SpacingOptions {
  /** @default 'linspace', of DDIM, DDPM and PNDM 'leading' */
  readonly spacing?: Spacing;
  /** Added to the timesteps of `leading` spacing. @default 0 */
  readonly stepsOffset?: number;
}

interface SpreadOptions extends SpacingOptions {
  /** The cleanest level is one more point of linspace and leading spacing, and left to the final step. @default false */
  readonly withEnd?: boolean;
}

/** `steps` falling timesteps, not rounded. */
export function spreadTimesteps(schedule: Schedule, steps: number, options: SpreadOptions): number[] {
  const { spacing = 'linspace', stepsOffset = 0, withEnd = false } = options;
  const { tMin, tMax } = schedule;
  switch (spacing) {
    case 'linspace':
      return withEnd
        ? linspace(tMin, tMax, steps + 1)
            .reverse()
            .slice(0, -1)
        : linspace(tMin, tMax, steps).reverse();
    case 'leading': {
      const stride = leadingStride(schedule, withEnd ? steps + 1 : steps);
      const first = withEnd ? 1 : 0;
      const timesteps = Array.from({ length: steps }, (_, i) => tMin + (steps - 1 - i + first) * stride + stepsOffset);
      checkOffset(schedule, steps, timesteps[0] ?? 0);
      return timesteps;
    }
    case 'trailing':
      return trailingTimes(schedule, steps);
  }
}

function checkOffset({ tMax }: Schedule, steps: number, first: number): void {
  if (first <= tMax) return;
  throw new DuetError(
    'invalid-argument',
    `${steps} steps of leading spacing would begin at timestep ${first}, and the schedule ends at ${tMax}; use fewer steps`,
    { field: 'steps' },
  );
}

/** `count` numbers from `from` to `to`, both included, as NumPy's linspace computes them. */
export function linspace(from: number, to: number, count: number): number[] {
  const step = count > 1 ? (to - from) / (count - 1) : 0;
  return Array.from({ length: count }, (_, i) => (i > 0 && i === count - 1 ? to : from + i * step));
}

/** The number of timesteps of a table, or the length of a continuous schedule. */
const extentOf = ({ tMin, tMax, isDiscrete }: Schedule): number => tMax - tMin + (isDiscrete ? 1 : 0);

/** Distance of neighbours in `leading` spacing: the schedule split into `parts`. */
export function leadingStride(schedule: Schedule, parts: number): number {
  const stride = extentOf(schedule) / parts;
  return schedule.isDiscrete ? Math.floor(stride) : stride;
}

/** Timesteps that fall from tMax in `steps` equal parts; the last part, down to the smallest, is the final step's. */
export function trailingTimes(schedule: Schedule, steps: number): number[] {
  const stride = extentOf(schedule) / steps;
  if (!schedule.isDiscrete) return Array.from({ length: steps }, (_, i) => schedule.tMax - i * stride);
  const end = schedule.tMax + 1;
  const step = end - stride - end; // rounded as NumPy's arange rounds it, which decides some ties
  return Array.from({ length: steps }, (_, i) => roundHalfEven(end + i * step) - 1);
}

/** Rounds `t` on a table. */
export const snap = (schedule: Schedule, t: number): number => (schedule.isDiscrete ? roundHalfEven(t) : t);
