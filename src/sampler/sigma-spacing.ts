/** Noise levels, as ratios sigma / alpha, that are spread between two ends without regard to timesteps. */
import { betaQuantile } from './beta-quantile.ts';
import { linspace } from './spacing.ts';

/**
 * `karras`: even in the 7th root (Karras et al., arXiv 2206.00364, equation 5). `exponential` and `lu`: even in the
 * logarithm (Lu et al., arXiv 2206.00927, appendix D.4). `beta`: at the quantiles of the distribution Beta(0.6, 0.6)
 * (Lee et al., arXiv 2407.12173).
 */
export type SigmaSpacing = 'karras' | 'exponential' | 'beta' | 'lu';

const rho = 7;
const shape = 0.6;

/** `count` ratios from `most` down to `least`. */
export function spreadSigmas(kind: SigmaSpacing, most: number, least: number, count: number): number[] {
  switch (kind) {
    case 'karras':
      return linspace(most ** (1 / rho), least ** (1 / rho), count).map(root => root ** rho);
    case 'exponential':
    case 'lu':
      return linspace(Math.log(most), Math.log(least), count).map(Math.exp);
    case 'beta':
      return linspace(0, 1, count).map(fraction => least + (most - least) * betaQuantile(1 - fraction, shape));
  }
}
