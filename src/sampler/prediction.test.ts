import fc from 'fast-check';
import { expect, test } from 'vitest';
import { addNoise, estimate, minSnrWeight, predictionTarget } from './prediction.ts';
import { cosine } from './schedule.ts';

const vector = fc.float32Array({ minLength: 3, maxLength: 3, min: -4, max: 4, noNaN: true });
const types = ['epsilon', 'v', 'sample'] as const;

test('a perfect prediction of any type gives back the data and the noise', () => {
  fc.assert(
    fc.property(
      vector,
      vector,
      fc.double({ min: 50, max: 950, noNaN: true }),
      fc.constantFrom(...types),
      (x0, eps, t, type) => {
        const level = cosine().at(t);
        const x = addNoise(x0, eps, level);
        const found = estimate(type, x, predictionTarget(type, x0, eps, level), level);
        for (let i = 0; i < 3; i++) {
          expect(found.x0[i]).toBeCloseTo(x0[i]!, 4);
          expect(found.eps[i]).toBeCloseTo(eps[i]!, 4);
        }
      },
    ),
  );
});

test('min-SNR weights agree across prediction types', () => {
  // The same error in x0 is snr times larger squared in eps, and (snr + 1) times in v: weight x ratio is constant.
  for (const t of [100, 500, 900]) {
    const level = cosine().at(t);
    const snr = (level.alpha / level.sigma) ** 2;
    expect(minSnrWeight('epsilon', level) * snr).toBeCloseTo(minSnrWeight('sample', level), 8);
    expect(minSnrWeight('v', level) * (snr + 1)).toBeCloseTo(minSnrWeight('sample', level), 8);
  }
});
