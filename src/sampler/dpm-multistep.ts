/**
 * Multistep DPM-Solver++ of order 1 to 3 (Lu et al., arXiv 2211.01095, algorithm 2 and appendix B) as diffusers runs it
 * ("DPMSolverMultistepScheduler"): one evaluation a step; earlier predictions give the higher derivatives. Also the noise
 * prediction form (arXiv 2206.00927) and the stochastic form (arXiv 2211.01095, appendix A).
 *
 * Symbols: m0, m1, m2 the latest integrated predictions (the data for DPM-Solver++), newest first; h the growth of lambda
 * in this step, h0 and h1 in the two before; D1, D2 divided differences; u the exponent of the integrator.
 */
import { type LogSnrLevelOptions, logSnrLevels } from './levels.ts';
import { type Algorithm, checkEnd, parameterizations } from './parameterization.ts';
import { amended, checkSteps, drawNoise, firstState, type Solver, type SolverProblem } from './solver.ts';
import { weightedSum } from './weighted-sum.ts';

export interface MultistepOptions extends LogSnrLevelOptions {
  readonly kind: 'dpm-multistep';
  /** @default 2 */
  readonly order?: 1 | 2 | 3;
  /** Lower the order of the last steps when there are fewer than 15. @default true */
  readonly lowerOrderFinal?: boolean;
  /** Make the last step one of order 1 in any case. @default false */
  readonly eulerAtFinal?: boolean;
  /** Variant of order 2. @default 'midpoint' */
  readonly variant?: 'midpoint' | 'heun';
  /** @default 'dpmsolver++' */
  readonly algorithm?: Algorithm;
  /** Solve the reverse SDE instead of the ODE. @default false */
  readonly stochastic?: boolean;
}

/** Fewer steps than this are unstable at full order near the end (the authors' choice, taken over by diffusers). */
const FEW_STEPS = 15;

export function* solveMultistep(problem: SolverProblem, options: MultistepOptions): Solver {
  const { schedule, steps, skip = 0 } = problem;
  checkSteps(steps, schedule, 1);
  checkEnd(options);
  const { algorithm = 'dpmsolver++', stochastic = false, variant = 'midpoint' } = options;
  const { linearFactor, integralFactor, predictionOf, exponent } = parameterizations[algorithm];
  const levels = logSnrLevels(schedule, steps, options);
  const total = steps - skip;
  const history: { readonly m: Float32Array; readonly lambda: number }[] = [];
  let x = firstState(problem);

  for (let index = skip; index < steps; index++) {
    const [s, t] = [levels[index]!, levels[index + 1]!];
    history.unshift({ m: predictionOf(yield { x, level: s, index: index - skip, total }), lambda: s.lambda });
    history.splice(3);

    const h = t.lambda - s.lambda;
    const order = orderOfStep(index, history.length, steps, options);
    const lambdas = history.slice(0, order).map(({ lambda }) => lambda);
    const linear = linearFactor(t) / linearFactor(s);
    const next = index + 1 < steps ? t : undefined;
    if (h === 0) {
      x = amended(problem, x, next); // a spacing that ends where the solver ends
      continue;
    }
    if (!stochastic) {
      const terms = integratorWeights(lambdas, h, exponent(h), variant);
      x = weightedSum([linear, x], ...terms.map((w, k) => [-integralFactor(t) * w, history[k]!.m] as const));
    } else {
      const { decay, factor, u, spread } = stochasticFactors(algorithm, h);
      const terms = integratorWeights(lambdas, h, u, variant, algorithm === 'dpmsolver++');
      x = weightedSum(
        [linear * decay, x],
        ...terms.map((w, k) => [-integralFactor(t) * factor * w, history[k]!.m] as const),
        [t.sigma * spread, drawNoise(problem)],
      );
    }
    x = amended(problem, x, next);
  }
  return x;
}

/** What the reverse SDE changes in a step: the data prediction integrates twice as fast, the noise prediction counts twice. */
function stochasticFactors(algorithm: Algorithm, h: number) {
  return algorithm === 'dpmsolver++'
    ? { decay: Math.exp(-h), factor: 1, u: -2 * h, spread: Math.sqrt(-Math.expm1(-2 * h)) }
    : { decay: 1, factor: 2, u: h, spread: Math.sqrt(Math.expm1(2 * h)) };
}

/**
 * The weights of m0, m1, m2 (as many as `lambdas`, the levels of the predictions, newest first) in the integral of
 * e^u-weighted predictions over a step: (e^u - 1) m0 + ... , before the factor -alpha_t (or -sigma_t).
 */
function integratorWeights(
  lambdas: readonly number[],
  h: number,
  u: number,
  variant: 'midpoint' | 'heun',
  isStochastic = false,
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
  // diffusers adds 1/2 in the stochastic form, where the expansion of the paper subtracts it.
  const phi3 = (phi1 - u) / (u * u) + (isStochastic ? 0.5 : -0.5);
  // D10 = (m0 - m1) / r0, D11 = (m1 - m2) / r1, D2 = (D10 - D11) / (r0 + r1), D1 = D10 + r0 D2
  const perD10 = phi2 * (1 + r0 / (r0 + r1)) + phi3 / (r0 + r1);
  const perD11 = -(phi2 * r0 + phi3) / (r0 + r1);
  return [phi1 + perD10 / r0, perD11 / r1 - perD10 / r0, -perD11 / r1];
}

/** The order of step `index`: lower at the beginning, where few predictions are known, and at the end for stability. */
function orderOfStep(index: number, known: number, steps: number, options: MultistepOptions): number {
  const { order = 2, finalSigma = 'zero', lowerOrderFinal = true, eulerAtFinal = false } = options;
  const cautious = lowerOrderFinal && steps < FEW_STEPS;
  const left = steps - 1 - index;
  if (left === 0 && (cautious || eulerAtFinal || finalSigma === 'zero')) return 1;
  return Math.min(order, known, left === 1 && cautious ? 2 : 3);
}
