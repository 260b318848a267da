/**
 * Singlestep DPM-Solver and DPM-Solver++ of order 1 to 3 (Lu et al., arXiv 2206.00927 algorithms 1 and 2, arXiv 2211.01095
 * section 4): each group of up to three evaluations makes one step of that order. With its defaults this is the sampler
 * of the original UniDiffuser.
 *
 * Symbols: s the level a group starts at, t where it ends, s1 and s2 between them, h = lambda_t - lambda_s,
 * r = (lambda_si - lambda_s) / h, E the integrated prediction (the data for DPM-Solver++), u = -h for data, h for noise.
 */
import { DuetError } from '../core/errors.ts';
import { type Algorithm, parameterizations } from './parameterization.ts';
import type { Estimate } from './prediction.ts';
import { levelOf, type NoiseLevel, type Schedule } from './schedule.ts';
import { checkSteps, type Solver, type SolverProblem } from './solver.ts';
import { snap } from './spacing.ts';
import { weightedSum } from './weighted-sum.ts';

export interface SinglestepOptions {
  readonly kind: 'dpm-singlestep';
  /** @default 3 */
  readonly order?: 1 | 2 | 3;
  /**
   * `fast`: exactly `steps` evaluations at the points of the grid, lower orders at the end. `grouped`: the same orders, but
   * the grid has one interval a group, and each group spaces its own points evenly in lambda (U-ViT's DPM-Solver).
   * `fixed`: as `grouped` with the full order throughout; `steps` is rounded down to whole groups.
   * @default 'fast'
   */
  readonly method?: 'fast' | 'grouped' | 'fixed';
  /** What the grid is even in: time, the square root of time, or log-SNR. @default 'time' */
  readonly grid?: 'time' | 'quadratic' | 'log-snr';
  /** Timestep at which to stop. @default that of the schedule's cleanest level */
  readonly end?: number;
  /** Return the data prediction at the last state, which takes one more evaluation. @default false */
  readonly denoise?: boolean;
  /** @default 'dpmsolver++' */
  readonly algorithm?: Algorithm;
}

/** The levels one group visits: start, up to two between, end. */
type Group = readonly [s: NoiseLevel, ...between: NoiseLevel[], t: NoiseLevel];

export function* solveSinglestep(problem: SolverProblem, options: SinglestepOptions): Solver {
  const { schedule, steps } = problem;
  checkSteps(steps, schedule, 1);
  if (problem.amend) {
    throw new DuetError('invalid-argument', "Of singlestep solvers only the method 'grid' replaces states (amend)");
  }
  const groups = withoutFirst(planGroups(schedule, steps, options), problem.skip ?? 0);
  const total = groups.reduce((sum, group) => sum + group.length - 1, options.denoise ? 1 : 0);
  const { linearFactor, integralFactor, predictionOf, exponent } =
    parameterizations[options.algorithm ?? 'dpmsolver++'];
  let x = problem.x;
  let index = 0;

  for (const group of groups) {
    const [s, t] = [group[0], group.at(-1)!];
    const h = t.lambda - s.lambda;
    const u = exponent(h);
    const scale = (level: NoiseLevel) => linearFactor(level) / linearFactor(s);
    const start = x;

    const E: Float32Array = predictionOf(yield { x, level: s, index: index++, total });
    if (group.length === 2) {
      x = weightedSum([scale(t), start], [-integralFactor(t) * Math.expm1(u), E]);
      continue;
    }

    const s1 = group[1]!;
    const r1 = (s1.lambda - s.lambda) / h;
    x = weightedSum([scale(s1), start], [-integralFactor(s1) * Math.expm1(r1 * u), E]);
    const E1: Float32Array = predictionOf(yield { x, level: s1, index: index++, total });
    if (group.length === 3) {
      const phi1 = integralFactor(t) * Math.expm1(u);
      const slope = (0.5 / r1) * phi1;
      x = weightedSum([scale(t), start], [slope - phi1, E], [-slope, E1]);
      continue;
    }

    const s2 = group[2]!;
    const r2 = (s2.lambda - s.lambda) / h;
    const slope1 = (r2 / r1) * integralFactor(s2) * phi2(r2 * u);
    x = weightedSum([scale(s2), start], [slope1 - integralFactor(s2) * Math.expm1(r2 * u), E], [-slope1, E1]);
    const E2: Float32Array = predictionOf(yield { x, level: s2, index: index++, total });
    const slope2 = (1 / r2) * integralFactor(t) * phi2(u);
    x = weightedSum([scale(t), start], [slope2 - integralFactor(t) * Math.expm1(u), E], [-slope2, E2]);
  }

  if (!options.denoise) return x;
  const last: Estimate = yield { x, level: groups.at(-1)!.at(-1)!, index, total };
  return last.x0;
}

/** The groups without their first `count` levels; one that loses some of its own is of lower order. */
function withoutFirst(groups: readonly Group[], count: number): Group[] {
  let left = count;
  return groups.flatMap(group => {
    const [s, ...others] = group.slice(Math.min(left, group.length - 1));
    left = Math.max(0, left - (group.length - 1));
    return s && others.length > 0 ? [[s, ...others.slice(0, -1), others.at(-1)!] satisfies Group] : [];
  });
}

/** (e^u - 1) / u - 1. */
const phi2 = (u: number): number => Math.expm1(u) / u - 1;

function planGroups(schedule: Schedule, steps: number, options: SinglestepOptions): Group[] {
  const { order = 3, method = 'fast' } = options;
  const orders = method === 'fixed' ? fixedOrders(steps, order) : fastOrders(steps, order);
  if (method === 'fast') {
    const levels = timeGrid(schedule, steps, options);
    let start = 0;
    return orders.map(size => {
      const [s, ...others] = levels.slice(start, start + size + 1);
      start += size;
      return [s!, ...others.slice(0, -1), others.at(-1)!];
    });
  }
  const ends = timeGrid(schedule, orders.length, options);
  return orders.map((size, k) => {
    const [s, t] = [ends[k]!, ends[k + 1]!];
    const step = (t.lambda - s.lambda) / size;
    const between = Array.from({ length: size - 1 }, (_, i) => levelOf(schedule, s.lambda + (i + 1) * step));
    return [s, ...between, t];
  });
}

const fixedOrders = (steps: number, order: number): number[] =>
  Array<number>(Math.max(1, Math.floor(steps / order))).fill(order);

/** How `steps` evaluations are spent: full groups first, one or two of lower order at the end (arXiv 2206.00927, D.4). */
function fastOrders(steps: number, order: 1 | 2 | 3): number[] {
  const rest = steps % order;
  const full = Math.floor(steps / order);
  if (order === 3 && rest === 0) return [...Array<number>(full - 1).fill(3), 2, 1];
  return [...Array<number>(full).fill(order), ...(rest > 0 ? [rest] : [])];
}

/** `intervals` + 1 levels from pure noise to the end. */
function timeGrid(schedule: Schedule, intervals: number, options: SinglestepOptions): NoiseLevel[] {
  const { grid = 'time', end = schedule.tMin } = options;
  const between = (from: number, to: number, k: number) => from + ((to - from) * k) / intervals;
  const [first, last] = [schedule.at(schedule.tMax), schedule.at(end)];
  const levelAt = {
    time: (k: number) => schedule.at(snap(schedule, between(first.t, last.t, k))),
    quadratic: (k: number) => {
      const t = between(Math.sqrt(first.t), Math.sqrt(last.t), k) ** 2;
      return levelOf(schedule, schedule.at(t).lambda);
    },
    'log-snr': (k: number) => levelOf(schedule, between(first.lambda, last.lambda, k)),
  }[grid];
  return Array.from({ length: intervals + 1 }, (_, k) => (k === 0 ? first : k === intervals ? last : levelAt(k)));
}
