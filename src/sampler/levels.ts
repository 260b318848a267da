/** The noise levels that solvers visit, from the schedule, the spacing and, instead of timesteps, a spacing of sigmas. */
import { countBelow, finiteLevel } from './discrete-schedule.ts';
import { roundHalfEven } from './interpolate.ts';
import { cleanLevel, levelOfSigma, type NoiseLevel, type Schedule } from './schedule.ts';
import { type SigmaSpacing, spreadSigmas } from './sigma-spacing.ts';
import { type SpacingOptions, snap, spreadTimesteps } from './spacing.ts';

/** Where the last step ends: without noise, or at the schedule's cleanest level. */
export type FinalSigma = 'zero' | 'min';

export interface LevelOptions extends SpacingOptions {
  /** Instead of levels at timesteps. @default levels at timesteps */
  readonly sigmas?: SigmaSpacing;
  /** @default 'zero' */
  readonly finalSigma?: FinalSigma;
}

export interface LogSnrLevelOptions extends LevelOptions {
  /** Of levels at timesteps: leave out those whose lambda is less. @default none */
  readonly leastLambda?: number;
}

/**
 * The most noise that methods in sigma / alpha start from in continuous time, as in Karras et al., table 1: a schedule that
 * begins at alpha = 0 has no finite ratio there, and a first step of second order from a huge one would be far off.
 */
const mostRatio = 80;

/** A continuous schedule as far as the noise that is of use. */
export function withoutExcess(schedule: Schedule): Schedule {
  if (schedule.isDiscrete) return schedule;
  return { ...schedule, tMax: Math.min(schedule.tMax, schedule.timeOf(-Math.log(mostRatio))) };
}

/** sigma / alpha, the noise of a state that is scaled to data of weight 1. */
export const ratioOf = ({ alpha, sigma }: NoiseLevel): number => sigma / alpha;

/**
 * The levels of Euler's and Heun's methods, `steps` of them and the final one. Timesteps need not be integers; a spacing of
 * sigmas lies between the levels of the first and the last timestep.
 */
export function ratioLevels(given: Schedule, steps: number, options: LevelOptions): NoiseLevel[] {
  const { sigmas, finalSigma = 'zero' } = options;
  const schedule = withoutExcess(given);
  const single = schedule.isDiscrete ? Math.fround : (t: number) => t;
  const levels = spreadTimesteps(schedule, steps, options).map(t => finiteLevel(schedule.at(single(t))));
  const own = sigmas ? spreadLevels(schedule, sigmas, [levels[0]!, levels.at(-1)!], steps, single) : levels;
  return [...own, finalLevel(schedule, finalSigma)];
}

/**
 * The levels of the DPM-Solvers and UniPC, `steps` of them and the final one: timesteps are integers on a table, and a
 * spacing of sigmas lies between the ends of the schedule.
 */
export function logSnrLevels(schedule: Schedule, steps: number, options: LogSnrLevelOptions): NoiseLevel[] {
  const { sigmas, finalSigma = 'zero', leastLambda = Number.NEGATIVE_INFINITY } = options;
  const { tMax } = withoutExcess(schedule);
  const clipped = { ...schedule, tMax: schedule.tMax - countBelow(schedule, leastLambda) };
  const at = (t: number) => finiteLevel(schedule.at(t));
  const levels = sigmas
    ? spreadLevels(schedule, sigmas, [at(tMax), at(schedule.tMin)], steps, integerTimestep(schedule, sigmas))
    : spreadTimesteps(clipped, steps, { ...options, withEnd: true }).map(t => at(snap(schedule, t)));
  return [...levels, finalLevel(schedule, finalSigma)];
}

/** Rounded as the levels of a spacing of sigmas are, so that one that ends at the cleanest level ends there exactly. */
function finalLevel(schedule: Schedule, finalSigma: FinalSigma): NoiseLevel {
  if (finalSigma === 'zero') return cleanLevel;
  const cleanest = schedule.at(schedule.tMin);
  return schedule.isDiscrete ? levelOfSigma(cleanest.t, Math.fround(ratioOf(cleanest))) : cleanest;
}

/** diffusers rounds the timesteps of the spacings `karras` and `lu`, and truncates those of the others. */
function integerTimestep({ isDiscrete }: Schedule, sigmas: SigmaSpacing): (t: number) => number {
  if (!isDiscrete) return t => t;
  return sigmas === 'karras' || sigmas === 'lu' ? roundHalfEven : Math.trunc;
}

/**
 * `steps` levels between two. The paper spreads `beta` over timesteps (Lee et al., arXiv 2407.12173, section 3.2), and
 * diffusers over sigmas, which suits tables that end at little noise; in continuous time the paper is followed.
 */
function spreadLevels(
  schedule: Schedule,
  kind: SigmaSpacing,
  [first, last]: readonly [NoiseLevel, NoiseLevel],
  steps: number,
  round: (t: number) => number,
): NoiseLevel[] {
  if (kind === 'beta' && !schedule.isDiscrete) {
    return spreadSigmas(kind, first.t, last.t, steps).map(t => schedule.at(t));
  }
  const single = schedule.isDiscrete ? Math.fround : (ratio: number) => ratio;
  return spreadSigmas(kind, ratioOf(first), ratioOf(last), steps).map(ratio =>
    levelOfSigma(round(schedule.timeOf(-Math.log(ratio))), single(ratio)),
  );
}
