/**
 * Multistep DPM-Solver++ of order 1 to 3 (Lu et al., arXiv 2211.01095, algorithm 2 and appendix B) as diffusers runs it
 * ("DPMSolverMultistepScheduler"): one evaluation a step; earlier predictions give the higher derivatives. Also the noise
 * prediction form (arXiv 2206.00927) and the stochastic form of order 1 and 2 (arXiv 2211.01095, appendix A).
 *
 * Symbols: m0, m1, m2 the latest integrated predictions (the data for DPM-Solver++), newest first; h the growth of lambda
 * in this step, h0 and h1 in the two before; D1, D2 divided differences; u the exponent of the integrator.
 */
import { DuetError } from '../core/errors.ts';
import { cleanLevel, levelOf, type NoiseLevel, type Schedule } from './schedule.ts';
import { type Algorithm, checkSteps, drawNoise, parameterizations, type Solver, type SolverProblem } from './solver.ts';
import { leadingStride, linspace, type Spacing, snap, trailingTimes } from './spacing.ts';
import { weightedSum } from './weighted-sum.ts';

export interface MultistepOptions {
  readonly kind: 'dpm-multistep';
  /** @default 2 */
  readonly order?: 1 | 2 | 3;
  /**
   * Even in time (linspace, leading, trailing), even in log-SNR, or after Karras et al., arXiv 2206.00364, equation 5 with
   * rho = 7. The last two visit the schedule's cleanest level before the final step.
   * @default 'linspace'
   */
  readonly spacing?: Spacing | 'log-snr' | 'karras';
  /** Added to the timesteps of `leading` spacing. @default 0 */
  readonly stepsOffset?: number;
  /** Where the last step ends: without noise, or at the schedule's cleanest level. @default 'zero' */
  readonly finalSigma?: 'zero' | 'min';
  /** Lower the order of the last steps when there are fewer than 15. @default true */
  readonly lowerOrderFinal?: boolean;
  /** Make the last step one of order 1 in any case. @default false */
  readonly eulerAtFinal?: boolean;
  /** Variant of order 2. @default 'midpoint' */
  readonly variant?: 'midpoint' | 'heun';
  /** @default 'dpmsolver++' */
  readonly algorithm?: Algorithm;
  /** Solve the reverse SDE instead of the ODE; order 1 or 2. @default false */
  readonly stochastic?: boolean;
}

/** Fewer steps than this are unstable at full order near the end (the authors' choice, taken over by diffusers). */
const FEW_STEPS = 15;

export function* solveMultistep(problem: SolverProblem, options: MultistepOptions): Solver {
  const { schedule, steps, begin = 0 } = problem;
  checkSteps(steps, schedule);
  const { linearFactor, integralFactor, predictionOf, exponent } =
    parameterizations[options.algorithm ?? 'dpmsolver++'];
  const stochastic = options.stochastic ?? false;
  checkOptions(options);
  const levels = multistepLevels(schedule, steps, options);
  let x = problem.x;
  const history: { readonly m: Float32Array; readonly lambda: number }[] = [];

  for (let index = begin; index < steps; index++) {
    const [s, t] = [levels[index]!, levels[index + 1]!];
    history.unshift({
      m: predictionOf(yield { x, level: s, index: index - begin, total: steps - begin }),
      lambda: s.lambda,
    });
    history.splice(3);

    const h = t.lambda - s.lambda;
    if (h === 0) continue; // a spacing that ends where the solver ends
    const u = (stochastic ? 2 : 1) * exponent(h);
    const linear = (linearFactor(t) / linearFactor(s)) * (stochastic ? Math.exp(-h) : 1);
    const order = orderOfStep(steps - 1 - index, steps, options);
    const weights = integratorWeights(
      history.slice(0, order).map(({ lambda }) => lambda),
      h,
      u,
      options.variant,
    );
    const terms = weights.map((weight, k) => [-integralFactor(t) * weight, history[k]!.m] as const);
    const noise = stochastic ? [[t.sigma * Math.sqrt(-Math.expm1(-2 * h)), drawNoise(problem)] as const] : [];
    x = weightedSum([linear, x], ...terms, ...noise);
  }
  return x;
}

/**
 * The weights of m0, m1, m2 (as many as `lambdas`, the levels of the predictions, newest first) in the integral of
 * e^u-weighted predictions over a step: (e^u - 1) m0 + ... , before the factor -alpha_t (or -sigma_t).
 */
function integratorWeights(
  lambdas: readonly number[],
  h: number,
  u: number,
  variant: MultistepOptions['variant'] = 'midpoint',
): number[] {
  const phi1 = Math.expm1(u);
  if (lambdas.length === 1) return [phi1];
  const r0 = (lambdas[0]! - lambdas[1]!) / h;
  const phi2 = phi1 / u - 1;
  if (lambdas.length === 2) {
    const slope = (variant === 'midpoint' ? 0.5 * phi1 : phi2) / r0; // D1 = (m0 - m1) / r0
    return [phi1 + slope, -slope];
  }
  const r1 = (lambdas[1]! - lambdas[2]!) / h;
  const phi3 = (phi1 - u) / (u * u) - 0.5;
  // D10 = (m0 - m1) / r0, D11 = (m1 - m2) / r1, D2 = (D10 - D11) / (r0 + r1), D1 = D10 + r0 D2
  const perD10 = phi2 * (1 + r0 / (r0 + r1)) + phi3 / (r0 + r1);
  const perD11 = -(phi2 * r0 + phi3) / (r0 + r1);
  return [phi1 + perD10 / r0, perD11 / r1 - perD10 / r0, -perD11 / r1];
}

/** The highest order of a step before `left` others: lower at the end for stability. */
function orderOfStep(left: number, steps: number, options: MultistepOptions): number {
  const { order = 2, finalSigma = 'zero', lowerOrderFinal = true, eulerAtFinal = false } = options;
  const cautious = lowerOrderFinal && steps < FEW_STEPS;
  if (left === 0 && (cautious || eulerAtFinal || finalSigma === 'zero')) return 1;
  return Math.min(order, left === 1 && cautious ? 2 : 3);
}

/** The levels of all steps and, last, the one at which the solver ends. */
function multistepLevels(schedule: Schedule, steps: number, options: MultistepOptions): NoiseLevel[] {
  const { spacing = 'linspace', stepsOffset = 0, finalSigma = 'zero' } = options;
  const { tMin, tMax } = schedule;
  const atTimes = (times: readonly number[]) => times.map(t => schedule.at(snap(schedule, t)));
  const levels = {
    linspace: () =>
      atTimes(
        linspace(tMin, tMax, steps + 1)
          .reverse()
          .slice(0, -1),
      ),
    leading: () => {
      const stride = leadingStride(schedule, steps + 1);
      return atTimes(Array.from({ length: steps }, (_, i) => tMin + (steps - i) * stride + stepsOffset));
    },
    trailing: () => atTimes(trailingTimes(schedule, steps)),
    'log-snr': () => {
      const lambdas = linspace(schedule.at(tMax).lambda, schedule.at(tMin).lambda, steps);
      return lambdas.map(lambda => levelOf(schedule, lambda));
    },
    karras: () => {
      const rho = 7;
      const rootAt = (t: number) => Math.exp(-schedule.at(t).lambda / rho);
      const roots = linspace(rootAt(tMax), rootAt(tMin), steps);
      return roots.map(root => levelOf(schedule, -rho * Math.log(root)));
    },
  }[spacing]();
  return [...levels, finalSigma === 'min' ? schedule.at(tMin) : cleanLevel];
}

function checkOptions(options: MultistepOptions): void {
  const { algorithm = 'dpmsolver++', stochastic = false, order = 2, finalSigma = 'zero' } = options;
  const problem =
    (stochastic &&
      (algorithm !== 'dpmsolver++' || order > 2) &&
      'The stochastic form is dpmsolver++ of order 1 or 2') ||
    (algorithm === 'dpmsolver' &&
      finalSigma === 'zero' &&
      "Noise prediction cannot end without noise: use finalSigma 'min'");
  if (problem) throw new DuetError('invalid-argument', problem);
}
