/**
 * Noise schedules: how much of the data is left and how much noise is in x_t = alpha x_0 + sigma eps, with
 * alpha^2 + sigma^2 = 1 (variance preserving) and lambda = log(alpha / sigma), half the log signal-to-noise ratio.
 *
 * Schedules are functions of the *timestep* t, the number that the network is given (0 is clean, about 1000 pure noise).
 */
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
  /** In continuous time tau = t / tMax: beta(tau) = -2 d log alpha / d tau, the rate at which noise is added. */
  rate?(t: number): number;
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

/** The level of a given ratio sigma / alpha, the noise level of Karras et al. (arXiv 2206.00364). */
export function levelOfSigma(t: number, sigma: number): NoiseLevel {
  const alpha = 1 / Math.sqrt(1 + sigma * sigma);
  return { t, alpha, sigma: sigma * alpha, lambda: -Math.log(sigma) };
}

/** No noise at all: where a solver with final sigma zero ends. */
export const cleanLevel: NoiseLevel = { t: 0, alpha: 1, sigma: 0, lambda: Number.POSITIVE_INFINITY };

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
    rate: t => betaMin + (slope * t) / timeScale,
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
