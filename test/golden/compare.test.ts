import { describe, expect, test } from 'vitest';
import { compare, compareExact } from './compare.ts';

describe('compare', () => {
  const tolerance = { atol: 0.1, rtol: 0.1 };
  const expected = { shape: [2], data: [1, 10] };

  test('the limit grows with the value; error and ratio are reported', () => {
    const result = compare('x', { data: [1, 11] }, expected, tolerance);
    expect(result).toMatchObject({ pass: true, error: 1 });
    expect(result.ratio).toBeCloseTo(1 / 1.1, 9);
    expect(compare('x', { data: [1.3, 10] }, expected, tolerance)).toMatchObject({ pass: false });
  });

  test('NaN, missing values and wrong shapes fail', () => {
    expect(compare('x', { data: [Number.NaN, 10] }, expected, tolerance).pass).toBe(false);
    expect(compare('x', { data: [1] }, expected, tolerance).pass).toBe(false);
    expect(compare('x', { shape: [1, 2], data: [1, 10] }, expected, tolerance).pass).toBe(false);
  });

  test('what is expected may be given by rule', () => {
    const zeros = { rule: 'zeros', shape: [1, 2] };
    expect(compare('x', { shape: [1, 2], data: [0, 0] }, zeros, tolerance)).toMatchObject({ pass: true, error: 0 });
    expect(compare('x', { shape: [1, 2], data: [0, 1] }, zeros, tolerance).pass).toBe(false);
  });

  test('exact values', () => {
    expect(compareExact('x', [1, 2], [1, 2]).pass).toBe(true);
    expect(compareExact('x', [1, 2], [1, 3])).toMatchObject({ pass: false, detail: '[1,2], expected [1,3]' });
  });
});
