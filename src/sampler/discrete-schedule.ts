/**
 * The discrete diffusion that diffusers samples: N levels, from variances beta_1 .. beta_N. Every number is rounded to
 * single precision where torch rounds it: sigma of the cleanest levels is the root of a small difference, and truncated
 * timesteps depend on the last bit, so that pictures of a seed come out differently otherwise.
 */
import { DuetError } from '../core/errors.ts';
import { interpolate } from './interpolate.ts';
import { levelOfSigma, type NoiseLevel, type Schedule } from './schedule.ts';

type BetaSchedule = 'scaled_linear' | 'linear' | 'squaredcos_cap_v2';

export interface BetaOptions {
  /** @default 'scaled_linear' (Stable Diffusion, UniDiffuser) */
  readonly schedule?: BetaSchedule;
  /** @default 0.00085 */
  readonly start?: number;
  /** @default 0.012 */
  readonly end?: number;
  /** @default 1000 */
  readonly count?: number;
  /** The variances themselves, instead of a formula. */
  readonly values?: readonly number[];
  /** Shift and scale the levels so that the last is pure noise (Lin et al., arXiv 2305.08891, algorithm 1). @default false */
  readonly zeroTerminalSnr?: boolean;
}

/**
 * The variances beta_1 .. beta_N of a discrete diffusion. `linear`: Ho et al., arXiv 2006.11239; `scaled_linear`: linear
 * in the square root, Stable Diffusion; `squaredcos_cap_v2`: Nichol and Dhariwal, arXiv 2102.09672, equation 17.
 */
export function createBetas(options: BetaOptions = {}): Float64Array {
  const { schedule = 'scaled_linear', start = 0.00085, end = 0.012, count = 1000, values } = options;
  if (values) return Float64Array.from(values);
  const ramp = (from: number, to: number, i: number) => from + ((to - from) * i) / Math.max(count - 1, 1);
  const beta = {
    linear: (i: number) => ramp(start, end, i),
    scaled_linear: (i: number) => ramp(Math.sqrt(start), Math.sqrt(end), i) ** 2,
    squaredcos_cap_v2: (i: number) => cosineBeta(i, count),
  } satisfies Record<BetaSchedule, (i: number) => number>;
  return new Float64Array(count).map((_, i) => beta[schedule](i));
}

function cosineBeta(i: number, count: number): number {
  const alphaBar = (step: number) => Math.cos((((step / count + 0.008) / 1.008) * Math.PI) / 2) ** 2;
  return Math.min(1 - alphaBar(i + 1) / alphaBar(i), 0.999);
}

/**
 * The integer timesteps 0 .. N - 1, where timestep i has the level of beta_(i+1). The network is thus given a timestep that
 * is one less than in UniDiffuser's training; pictures made by diffusers depend on it. Between timesteps sigma / alpha is
 * linear; the timestep of a level is linear in its logarithm, and never beyond the ends.
 */
export function discreteTable(options: BetaOptions = {}): Schedule {
  const alphaBars = singlePrecisionAlphaBars(options);
  const levels = Array.from(alphaBars, (alphaBar, t): NoiseLevel => {
    const [alpha, sigma] = [Math.sqrt(alphaBar), Math.sqrt(1 - alphaBar)];
    return { t, alpha, sigma, lambda: Math.log(alpha / sigma) };
  });
  const finite = levels.map(finiteLevel);
  const timesteps = Float64Array.from(levels, ({ t }) => t);
  const sigmas = Float64Array.from(finite, ({ alpha, sigma }) => Math.fround(sigma / alpha));
  const logSigmas = sigmas.map(sigma => Math.fround(Math.log(sigma)));
  const [first = 0, last = 0] = [logSigmas[0], logSigmas.at(-1)];
  const tMax = levels.length - 1;
  return {
    tMin: 0,
    tMax,
    isDiscrete: true,
    at(t) {
      if (!(t >= 0 && t <= tMax)) {
        throw new DuetError('invalid-argument', `This schedule has the timesteps 0 to ${tMax}, got ${t}`);
      }
      return levels[t] ?? levelOfSigma(t, interpolate(timesteps, sigmas, t));
    },
    timeOf: lambda => interpolate(logSigmas, timesteps, Math.min(Math.max(-lambda, first), last)),
  };
}

/** What diffusers puts in place of alpha^2 = 0 where a solver divides by alpha: the smallest number of half precision. */
const leastAlphaBar = 2 ** -24;

/** `level`, or for pure noise (alpha = 0) the level that solvers in sigma / alpha use instead of it. */
export function finiteLevel(level: NoiseLevel): NoiseLevel {
  return level.alpha > 0 ? level : levelOfSigma(level.t, Math.sqrt((1 - leastAlphaBar) / leastAlphaBar));
}

/** The running products of 1 - beta as torch computes them: products in double precision, each rounded. */
function singlePrecisionAlphaBars(options: BetaOptions): Float32Array {
  const alphaBars = runningProducts(singlePrecisionBetas(options));
  if (!options.zeroTerminalSnr) return alphaBars;
  const roots = alphaBars.map(Math.sqrt);
  const [first = 1, last = 0] = [roots[0], roots.at(-1)];
  const scale = Math.fround(first / Math.fround(first - last));
  const rescaled = roots.map(root => Math.fround(Math.fround(root - last) * scale)).map(root => root * root);
  const alphas = rescaled.map((alphaBar, i) => (i === 0 ? alphaBar : alphaBar / rescaled[i - 1]!));
  return runningProducts(alphas.map(alpha => 1 - alpha));
}

function runningProducts(betas: Float32Array): Float32Array {
  let product = 1;
  return betas.map(beta => {
    product *= Math.fround(1 - beta);
    return product;
  });
}

function singlePrecisionBetas(options: BetaOptions): Float32Array {
  const { schedule = 'scaled_linear', start = 0.00085, end = 0.012, count = 1000 } = options;
  if (options.values || schedule === 'squaredcos_cap_v2') return Float32Array.from(createBetas(options));
  if (schedule === 'linear') return singlePrecisionRamp(start, end, count);
  return singlePrecisionRamp(Math.sqrt(start), Math.sqrt(end), count).map(root => root * root);
}

/** As torch.linspace counts: from the start in the first half, from the end in the second. */
function singlePrecisionRamp(start: number, end: number, count: number): Float32Array {
  const [from, to] = [Math.fround(start), Math.fround(end)];
  const step = count > 1 ? Math.fround(Math.fround(to - from) / (count - 1)) : 0;
  return new Float32Array(count).map((_, i) => (i < count / 2 ? from + step * i : to - step * (count - 1 - i)));
}

/** The lambda below which levels are left out: how many timesteps at the noisy end that are. */
export function countBelow(schedule: Schedule, lambda: number): number {
  if (!schedule.isDiscrete || lambda === Number.NEGATIVE_INFINITY) return 0;
  let count = 0;
  while (count < schedule.tMax && schedule.at(schedule.tMax - count).lambda < lambda) count++;
  return count;
}
