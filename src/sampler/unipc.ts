/**
 * UniPC (Zhao et al., arXiv 2302.04867, algorithms 5 to 8): a multistep predictor, and after each evaluation a corrector
 * that takes the last step again with the new prediction; one evaluation a step.
 *
 * Symbols: m0 the prediction at the level the step starts from, r_k = (lambda_k - lambda_0) / h of earlier predictions,
 * D_k = (m_k - m0) / r_k, u the exponent of the integrator, B(h) one of two scalings, rho the weights of D.
 */
import { DuetError } from '../core/errors.ts';
import { type LevelOptions, logSnrLevels } from './levels.ts';
import { type Algorithm, checkEnd, parameterizations } from './parameterization.ts';
import type { NoiseLevel } from './schedule.ts';
import { solveLinear } from './solve-linear.ts';
import { amended, checkSteps, firstState, type Solver, type SolverProblem } from './solver.ts';
import { weightedSum } from './weighted-sum.ts';

export interface UniPcOptions extends LevelOptions {
  readonly kind: 'unipc';
  /** @default 2 */
  readonly order?: 1 | 2 | 3;
  /** The scaling B(h): h, or e^h - 1. @default 'bh2' */
  readonly scaling?: 'bh1' | 'bh2';
  /** Integrate the data or the noise prediction. @default 'dpmsolver++' */
  readonly algorithm?: Algorithm;
  /** Lower the order of the last steps. @default true */
  readonly lowerOrderFinal?: boolean;
  /** Steps after which the corrector is left out, by their number from 0. @default none */
  readonly withoutCorrector?: readonly number[];
}

/** A prediction and the level it belongs to. */
interface Known {
  readonly m: Float32Array;
  readonly level: NoiseLevel;
}

export function* solveUniPc(problem: SolverProblem, options: UniPcOptions): Solver {
  const { schedule, steps, skip = 0 } = problem;
  checkSteps(steps, schedule, 1);
  checkEnd(options);
  checkLastStep(options);
  const { order = 2, lowerOrderFinal = true, withoutCorrector = [] } = options;
  const { predictionOf } = parameterizations[options.algorithm ?? 'dpmsolver++'];
  const levels = logSnrLevels(schedule, steps, options);
  const total = steps - skip;
  const history: Known[] = [];
  let x = firstState(problem);
  let before: { readonly x: Float32Array; readonly order: number } | undefined;

  for (let index = skip; index < steps; index++) {
    const [s, t] = [levels[index]!, levels[index + 1]!];
    const m: Float32Array = predictionOf(yield { x, level: s, index: index - skip, total });
    if (before && !withoutCorrector.includes(index - 1)) {
      x = step(before.x, s, history.slice(0, before.order), options, m);
    }
    history.unshift({ m, level: s });
    history.splice(order);
    const own = Math.min(order, index - skip + 1, lowerOrderFinal ? steps - index : order);
    before = { x, order: own };
    x = amended(problem, step(x, t, history.slice(0, own), options), index + 1 < steps ? t : undefined);
  }
  return x;
}

/** The step from the level of the newest of `history` to `t`: the predictor, or with the prediction at `t` the corrector. */
function step(
  x: Float32Array,
  t: NoiseLevel,
  [latest, ...earlier]: readonly Known[],
  { algorithm = 'dpmsolver++', scaling = 'bh2' }: UniPcOptions,
  corrected?: Float32Array,
): Float32Array {
  const { linearFactor, integralFactor, exponent } = parameterizations[algorithm];
  const { m: m0, level: s } = latest!; // there is at least one prediction
  const h = t.lambda - s.lambda;
  const u = exponent(h);
  const phi1 = Math.expm1(u);
  const B = scaling === 'bh1' ? u : phi1;
  const known = [
    ...earlier.map(({ m, level }) => ({ m, r: (level.lambda - s.lambda) / h })),
    ...(corrected ? [{ m: corrected, r: 1 }] : []),
  ];
  const rho = weightsOf(
    known.map(({ r }) => r),
    u,
    B,
  );
  const factors = known.map(({ r }, k) => (B * rho[k]!) / r);
  const ofLatest = phi1 - factors.reduce((sum, factor) => sum + factor, 0);
  const integral = integralFactor(t);
  return weightedSum(
    [linearFactor(t) / linearFactor(s), x],
    [-integral * ofLatest, m0],
    ...known.map(({ m }, k) => [-integral * factors[k]!, m] as const),
  );
}

/** rho, of which the paper simplifies that of one D to 1/2: R rho = b with R_ik = r_k^i (equation 11). */
function weightsOf(r: readonly number[], u: number, B: number): readonly number[] {
  if (r.length === 0) return [];
  if (r.length === 1) return [0.5];
  const b: number[] = [];
  let phi = Math.expm1(u) / u - 1;
  let factorial = 1;
  for (let i = 1; i <= r.length; i++) {
    b.push((phi * factorial) / B);
    factorial *= i + 1;
    phi = phi / u - 1 / factorial;
  }
  return solveLinear(
    r.map((_, i) => r.map(value => value ** i)),
    b,
  );
}

function checkLastStep({ finalSigma = 'zero', lowerOrderFinal = true, order = 2 }: UniPcOptions): void {
  if (finalSigma === 'min' || lowerOrderFinal || order === 1) return;
  throw new DuetError('invalid-argument', "A last step of full order cannot end without noise: use finalSigma 'min'");
}
