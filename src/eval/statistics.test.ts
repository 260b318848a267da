import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { featuresOf } from './features.ts';
import { partnerRanks, recalled } from './retrieval.ts';
import { meanInterval, median, psnr, wilson } from './statistics.ts';

describe('statistics', () => {
  test('Wilson intervals: published values', () => {
    // Newcombe, "Two-sided confidence intervals for the single proportion" (1998), table I, method 3.
    const published: ReadonlyArray<readonly [number, number, number, number]> = [
      [81, 263, 0.2553, 0.3662],
      [15, 148, 0.0624, 0.1605],
      [0, 20, 0, 0.1611],
      [1, 29, 0.0061, 0.1718],
    ];
    for (const [successes, total, low, high] of published) {
      expect(wilson(successes, total).low).toBeCloseTo(low, 4);
      expect(wilson(successes, total).high).toBeCloseTo(high, 4);
    }
    expect(wilson(0, 0).value).toBeNaN();
  });

  test('Wilson intervals hold the rate and stay within 0 to 1', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 2000 }), fc.double({ min: 0, max: 1, noNaN: true }), (total, share) => {
        const { value, low, high } = wilson(Math.round(share * total), total);
        expect(low).toBeGreaterThanOrEqual(0);
        expect(high).toBeLessThanOrEqual(1);
        expect(value).toBeGreaterThanOrEqual(low - 1e-12);
        expect(value).toBeLessThanOrEqual(high + 1e-12);
      }),
    );
  });

  test('mean, median, PSNR', () => {
    expect(meanInterval([1, 2, 3])).toMatchObject({ value: 2 });
    expect(meanInterval([1, 2, 3]).high).toBeCloseTo(2 + 1.96 / Math.sqrt(3), 3);
    expect(median([5, 1, 3])).toBe(3);
    expect(median([4, 1, 3, 2])).toBe(2.5);
    expect(median([])).toBeNaN();
    expect(psnr(Uint8Array.of(0, 0), Uint8Array.of(0, 0))).toBe(99);
    expect(psnr(Uint8Array.of(10, 20), Uint8Array.of(20, 10))).toBeCloseTo(28.13, 2);
    expect(() => psnr(new Uint8Array(1), new Uint8Array(2))).toThrow(/one size/);
  });

  test('retrieval ranks partners by cosine, ties against them', () => {
    const a = [Float32Array.of(1, 0), Float32Array.of(0, 1), Float32Array.of(1, 1)];
    expect(partnerRanks(a, [Float32Array.of(9, 0), Float32Array.of(0, 0.1), Float32Array.of(2, 2)])).toEqual([0, 0, 0]);
    expect(partnerRanks(a, [a[1], a[0], a[2]] as Float32Array[])).toEqual([2, 2, 0]);
    const same = [Float32Array.of(1, 0), Float32Array.of(1, 0)];
    expect(partnerRanks(same, same)).toEqual([1, 1]);
    expect(partnerRanks(same, [Float32Array.of(Number.NaN, 0), Float32Array.of(1, 0)])).toEqual([1, 1]);
    expect(recalled([0, 3, 7], 5)).toBe(2);
  });

  test('blurring keeps flat colours and weighs neighbours 1 2 1', () => {
    const flat = Uint8Array.from({ length: 8 * 8 * 3 }, (_, i) => [10, 100, 250][i % 3] as number);
    expect([...featuresOf(flat, 8)]).toEqual(Array.from({ length: 16 }, () => [10, 100, 250]).flat());
    const dot = new Uint8Array(8 * 8 * 3);
    dot[(2 * 8 + 2) * 3] = 160;
    dot[(3 * 8 + 5) * 3 + 1] = 160;
    const features = featuresOf(dot, 8);
    expect(features[(1 * 4 + 1) * 3]).toBe(40);
    expect([4, 6].map(x => features[(1 * 4 + x / 2) * 3 + 1])).toEqual([10, 10]);
    expect([4, 6].map(x => features[(2 * 4 + x / 2) * 3 + 1])).toEqual([10, 10]);
    expect(() => featuresOf(dot, 9)).toThrow(/9 x 9 x 3/);
  });
});
