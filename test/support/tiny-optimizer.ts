/** How the stages' tests learn: fast, and for a few steps. */
import type { OptimizerConfig } from '../../src/train/config.ts';

export function tinyOptimizer(changes: Partial<OptimizerConfig> = {}): OptimizerConfig {
  return {
    lr: 0.01,
    betas: [0.9, 0.99],
    epsilon: 1e-8,
    weightDecay: 0.01,
    clipNorm: 1,
    warmup: 1,
    schedule: 'constant',
    finalShare: 1,
    ema: 0.9,
    emaWarmup: true,
    ...changes,
  };
}
