import { expect, test } from 'vitest';
import { betaQuantile } from './beta-quantile.ts';
import { spreadSigmas } from './sigma-spacing.ts';

test.each([
  // scipy.stats.beta.ppf(p, 0.6, 0.6)
  [0.01, 0.00086123882154],
  [0.1, 0.03958440558878],
  [0.25, 0.17568037865269],
  [0.5, 0.5],
  [0.9, 0.96041559441121],
] as const)('the quantile of Beta(0.6, 0.6) at %d is %d', (p, x) => {
  expect(betaQuantile(p, 0.6)).toBeCloseTo(x, 12);
});

test('the quantile at the ends, and of the uniform distribution', () => {
  expect([betaQuantile(0, 0.6), betaQuantile(1, 0.6)]).toEqual([0, 1]);
  expect(betaQuantile(0.3, 1)).toBeCloseTo(0.3, 12);
});

test.each(['karras', 'exponential', 'beta', 'lu'] as const)('%s falls from the one end to the other', kind => {
  const sigmas = spreadSigmas(kind, 14.6, 0.03, 7);
  expect([sigmas[0], sigmas.at(-1)]).toEqual([expect.closeTo(14.6, 9), expect.closeTo(0.03, 9)]);
  for (const [i, sigma] of sigmas.slice(1).entries()) expect(sigma).toBeLessThan(sigmas[i]!);
});

test('karras is even in the seventh root, exponential in the logarithm', () => {
  expect(spreadSigmas('karras', 2 ** 7, 0, 3)[1]).toBeCloseTo(1, 12);
  expect(spreadSigmas('exponential', 16, 1, 3)[1]).toBeCloseTo(4, 12);
});
