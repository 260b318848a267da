/**
 * Singlestep DPM-Solver++ and DPM-Solver of order 1 to 3 as diffusers runs them ("DPMSolverSinglestepScheduler", after Lu et
 * al., arXiv 2211.01095 and 2206.00927): every evaluation lies on the grid, and within a group of up to three each
 * starts anew from the group's first state with one order more.
 *
 * Symbols: m0, m1, m2 the predictions of the group, newest first; r0, r1 the places of m0 and m1 in the step, as fractions of
 * its growth h of lambda; D0, D1, D2 divided differences; u the exponent of the integrator.
 */
import { type LogSnrLevelOptions, logSnrLevels } from './levels.ts';
import { type Algorithm, checkEnd, parameterizations } from './parameterization.ts';
import { amended, checkSteps, firstState, type Solver, type SolverProblem } from './solver.ts';
import type { SpacingOptions } from './spacing.ts';
import { weightedSum } from './weighted-sum.ts';

/** Levels at timesteps are spaced as linspace. */
export interface SinglestepGridOptions extends Omit<LogSnrLevelOptions, keyof SpacingOptions> {
  readonly kind: 'dpm-singlestep';
  readonly method: 'grid';
  /** @default 2 */
  readonly order?: 1 | 2 | 3;
  /** End with a step of order 1 where whole groups would end with full order; without final noise it always does. @default false */
  readonly lowerOrderFinal?: boolean;
  /** Variant of order 2 and 3. @default 'midpoint' */
  readonly variant?: 'midpoint' | 'heun';
  /** @default 'dpmsolver++' */
  readonly algorithm?: Algorithm;
}

interface Known {
  readonly m: Float32Array;
  readonly lambda: number;
}

export function* solveSinglestepGrid(problem: SolverProblem, options: SinglestepGridOptions): Solver {
  const { schedule, steps, skip = 0 } = problem;
  checkSteps(steps, schedule, 1);
  checkEnd(options);
  const { linearFactor, integralFactor, predictionOf, exponent } =
    parameterizations[options.algorithm ?? 'dpmsolver++'];
  const levels = logSnrLevels(schedule, steps, { ...options, spacing: 'linspace' });
  const orders = ordersOf(steps, options);
  const history: Known[] = [];
  let x = firstState(problem);
  let start = x;

  for (let index = skip; index < steps; index++) {
    const level = levels[index]!;
    history.unshift({
      m: predictionOf(yield { x, level, index: index - skip, total: steps - skip }),
      lambda: level.lambda,
    });
    history.splice(3);
    const order = Math.min(orders[index]!, history.length); // a run that begins within a group has fewer predictions
    if (order === 1) start = x;
    const [s, t] = [levels[index - order + 1]!, levels[index + 1]!];
    const h = t.lambda - s.lambda;
    const weights = groupWeights(history.slice(0, order), s.lambda, h, exponent(h), options.variant);
    x = weightedSum(
      [linearFactor(t) / linearFactor(s), start],
      ...weights.map((w, k) => [-integralFactor(t) * w, history[k]!.m] as const),
    );
    x = amended(problem, x, index + 1 < steps ? t : undefined);
  }
  return x;
}

/** The weights of m0, m1, m2 in the step from `lambda`, before the factor -alpha_t (or -sigma_t). */
function groupWeights(
  known: readonly Known[],
  lambda: number,
  h: number,
  u: number,
  variant: SinglestepGridOptions['variant'] = 'midpoint',
): number[] {
  const phi1 = Math.expm1(u);
  if (known.length === 1) return [phi1];
  const [r0, r1] = [(known[0]!.lambda - lambda) / h, (known[1]!.lambda - lambda) / h];
  const phi2 = phi1 / u - 1;
  if (known.length === 2) {
    const slope = (variant === 'midpoint' ? 0.5 * phi1 : phi2) / r0; // D0 = m1, D1 = (m0 - m1) / r0
    return [slope, phi1 - slope];
  }
  // D0 = m2; D10 = (m1 - m2) / r1, D11 = (m0 - m2) / r0; midpoint takes D11 alone
  if (variant === 'midpoint') return [phi2 / r0, 0, phi1 - phi2 / r0];
  const phi3 = (phi1 - u) / (u * u) - 0.5;
  // D1 = (r0 D10 - r1 D11) / (r0 - r1), D2 = 2 (D11 - D10) / (r0 - r1)
  const perD10 = (phi2 * r0 - 2 * phi3) / (r0 - r1);
  const perD11 = (2 * phi3 - phi2 * r1) / (r0 - r1);
  return [perD11 / r0, perD10 / r1, phi1 - perD10 / r1 - perD11 / r0];
}

/** The order of each step: 1, 2, 3, 1, 2, 3, ...; where the last must be lower, its group ends with order 1. */
function ordersOf(steps: number, options: SinglestepGridOptions): number[] {
  const { order = 2, finalSigma = 'zero', lowerOrderFinal = false } = options;
  const orders = Array.from({ length: steps }, (_, index) => (index % order) + 1);
  if (finalSigma === 'zero' || (lowerOrderFinal && steps % order === 0)) orders[steps - 1] = 1;
  return orders;
}
