/**
 * Noise schedules: how much of the data is left and how much noise is in x_t = alpha x_0 + sigma eps, with
 * alpha^2 + sigma^2 = 1 (variance preserving) and lambda = log(alpha / sigma), half the log signal-to-noise ratio.
 *
 * Schedules are functions of the *timestep* t, the number that the network is given (0 is clean, about 1000 pure noise).
 */
import { DuetError } from '../core/errors.ts';
import { interpolate, roundHalfEven } from './interpolate.ts';

/** One noise level; `t` is its timestep. */
export interface NoiseLevel {
  readonly t: number;
  readonly alpha: number;
  readonly sigma: number;
  readonly lambda: number;
}

export interface Schedule {
  /** The timestep of pure noise, where sampling starts. */
  readonly tMax: number;
  /** The timestep of the cleanest level, where solvers end that do not go to zero noise. */
  readonly tMin: number;
  /** Only integer timesteps exist, as in a table: solvers round theirs. */
  readonly isDiscrete: boolean;
  /** The level at timestep `t`. */
  at(t: number): NoiseLevel;
  /** The inverse: the timestep at which `lambda` is reached. */
  timeOf(lambda: number): number;
}

/**
 * The level of a given `lambda` exactly; the timestep of a discrete schedule is the nearest integer (ties to even, as NumPy
 * rounds).
 */
export function levelOf(schedule: Schedule, lambda: number): NoiseLevel {
  const t = schedule.timeOf(lambda);
  const [alpha, sigma] = [1 / Math.sqrt(1 + Math.exp(-2 * lambda)), 1 / Math.sqrt(1 + Math.exp(2 * lambda))];
  return { t: schedule.isDiscrete ? roundHalfEven(t) : t, alpha, sigma, lambda };
}

/** No noise at all: where a solver with final sigma zero ends. */
export const cleanLevel: NoiseLevel = { t: 0, alpha: 1, sigma: 0, lambda: Number.POSITIVE_INFINITY };

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
}

/**
 * The variances beta_1 .. beta_N of a discrete diffusion. `linear`: Ho et al., arXiv 2006.11239; `scaled_linear`: linear
 * in the square root, Stable Diffusion; `squaredcos_cap_v2`: Nichol and Dhariwal, arXiv 2102.09672, equation 17.
 */
export function createBetas(options: BetaOptions = {}): Float64Array {
  const { schedule = 'scaled_linear', start = 0.00085, end = 0.012, count = 1000 } = options;
  const ramp = (from: number, to: number, i: number) => from + ((to - from) * i) / Math.max(count - 1, 1);
  const cosine = (i: number) => Math.cos((((i / count + 0.008) / 1.008) * Math.PI) / 2) ** 2;
  const beta = {
    linear: (i: number) => ramp(start, end, i),
    scaled_linear: (i: number) => ramp(Math.sqrt(start), Math.sqrt(end), i) ** 2,
    squaredcos_cap_v2: (i: number) => Math.min(1 - cosine(i + 1) / cosine(i), 0.999),
  } satisfies Record<BetaSchedule, (i: number) => number>;
  return new Float64Array(count).map((_, i) => beta[schedule](i));
}

/** The logarithms of alpha_1 .. alpha_N: half the running sum of log(1 - beta). */
function logAlphas(betas: Float64Array): Float64Array {
  let sum = 0;
  return betas.map(beta => {
    sum += 0.5 * Math.log1p(-beta);
    return sum;
  });
}

function levelOfLogAlpha(t: number, unclamped: number): NoiseLevel {
  const logAlpha = Math.min(unclamped, 0); // extrapolating to t = 0 may pass the clean end
  const sigma = Math.sqrt(-Math.expm1(2 * logAlpha));
  return { t, alpha: Math.exp(logAlpha), sigma, lambda: logAlpha - Math.log(sigma) };
}

/** log alpha of a lambda: alpha^2 = sigmoid(2 lambda). */
const logAlphaOf = (lambda: number): number => -0.5 * Math.log1p(Math.exp(-2 * lambda));

/**
 * A discrete diffusion made continuous as UniDiffuser and U-ViT sample it: beta_n belongs to timestep n = 1 .. N, and
 * log alpha is linear between neighbours and beyond the ends.
 */
export function continuousTable(betas: Float64Array): Schedule {
  const logs = logAlphas(betas);
  const times = logs.map((_, index) => index + 1);
  const falling = logs.map(log => -log);
  return {
    tMin: 1,
    tMax: betas.length,
    isDiscrete: false,
    at: t => levelOfLogAlpha(t, interpolate(times, logs, t)),
    timeOf: lambda => interpolate(falling, times, -logAlphaOf(lambda)),
  };
}

/**
 * The same diffusion as diffusers samples it: the integer timesteps 0 .. N - 1, where timestep i has the level of
 * beta_(i+1). The network is thus given a timestep that is one less than in UniDiffuser's training; pictures made by diffusers depend on it. A level
 * between two times is linear in lambda and never beyond the ends.
 */
export function discreteTable(betas: Float64Array): Schedule {
  const levels = Array.from(logAlphas(betas), (log, index) => levelOfLogAlpha(index, log));
  const rising = Float64Array.from(levels, level => -level.lambda);
  const times = Float64Array.from(levels, level => level.t);
  const at = (t: number): NoiseLevel => {
    if (!(t >= 0 && t <= levels.length - 1)) {
      throw new DuetError('invalid-argument', `This schedule has the timesteps 0 to ${levels.length - 1}, got ${t}`);
    }
    return levels[t] ?? { ...levelOf(schedule, -interpolate(times, rising, t)), t };
  };
  const [first, last] = [rising[0] ?? 0, rising.at(-1) ?? 0];
  const schedule: Schedule = {
    tMin: 0,
    tMax: betas.length - 1,
    isDiscrete: true,
    at,
    timeOf: lambda => interpolate(rising, times, Math.min(Math.max(-lambda, first), last)),
  };
  return schedule;
}

/**
 * The variance-preserving SDE with linear beta(tau) from 0.1 to 20, tau in (0, 1] (Song et al., arXiv 2011.13456), which
 * the continuous U-ViT models use: log alpha = -(betaMin tau / 2 + (betaMax - betaMin) tau^2 / 4), timestep 999 tau.
 */
export function vpLinear(options: { betaMin?: number; betaMax?: number; timeScale?: number } = {}): Schedule {
  const { betaMin = 0.1, betaMax = 20, timeScale = 999 } = options;
  const slope = betaMax - betaMin;
  return {
    tMin: timeScale * 1e-4,
    tMax: timeScale,
    isDiscrete: false,
    at(t) {
      const tau = t / timeScale;
      return levelOfLogAlpha(t, -(0.25 * slope * tau * tau + 0.5 * betaMin * tau));
    },
    timeOf(lambda) {
      const c = 4 * logAlphaOf(lambda); // slope tau^2 + 2 betaMin tau + c = 0, written without cancellation
      return (timeScale * -c) / (betaMin + Math.sqrt(betaMin * betaMin - slope * c));
    },
  };
}

/**
 * The cosine schedule for v-prediction (Salimans and Ho, arXiv 2202.00512) over continuous time, with ends clamped so
 * that lambda stays finite:
 *
 *     alpha = cos(phi), sigma = sin(phi), phi = phiMin + (phiMax - phiMin) t / 1000,
 *     phiMin = atan(exp(-lambdaMax)), phiMax = atan(exp(lambdaMax)) = pi/2 - phiMin,
 *
 * which is alpha = cos(pi/2 t/1000) up to phiMin = 4.5e-5 for lambdaMax = 10 (the log-SNR clamp of 20 that Imagen uses).
 * At t = 1000 the state holds practically no data, so that a modality there is ignored.
 */
export function cosine(options: { lambdaMax?: number; timeScale?: number } = {}): Schedule {
  const { lambdaMax = 10, timeScale = 1000 } = options;
  const phiMin = Math.atan(Math.exp(-lambdaMax));
  const range = Math.PI / 2 - 2 * phiMin;
  return {
    tMin: timeScale / 1000,
    tMax: timeScale,
    isDiscrete: false,
    at(t) {
      const phi = phiMin + (range * t) / timeScale;
      return { t, alpha: Math.cos(phi), sigma: Math.sin(phi), lambda: -Math.log(Math.tan(phi)) };
    },
    timeOf: lambda => (timeScale * (Math.atan(Math.exp(-lambda)) - phiMin)) / range,
  };
}

/** The schedules by name, as model configurations write them. */
export type ScheduleConfig =
  | ({ readonly kind: 'continuous-table' | 'discrete-table' } & BetaOptionsConfig)
  | { readonly kind: 'vp-linear' }
  | { readonly kind: 'cosine'; readonly lambdaMax?: number };

interface BetaOptionsConfig {
  readonly betas?: BetaOptions;
}

export function createSchedule(config: ScheduleConfig): Schedule {
  switch (config.kind) {
    case 'continuous-table':
      return continuousTable(createBetas(config.betas));
    case 'discrete-table':
      return discreteTable(createBetas(config.betas));
    case 'vp-linear':
      return vpLinear();
    case 'cosine':
      return cosine(config);
  }
}
