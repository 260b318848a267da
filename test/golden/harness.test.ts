import { describe, expect, test } from 'vitest';
import { compare, compareExact, makeInput, makeWeights } from './harness.ts';

describe('rules', () => {
  test('F: spot values of the description, ones added to one-dimensional weights only', () => {
    const weights = makeWeights({
      rule: 'F',
      a: 0.2,
      keys: [['a.bias', [3]], ['a.weight', [2]], ['b.weight', [1, 2]]], // biome-ignore format: one line
      tied: { c: 'a.bias' },
      mapped: [['other', 'b.weight', [0, 1]]],
    });
    [0.039734, 0.156665, 0.199915].forEach((value, i) => {
      expect(weights['a.bias']!.data[i]).toBeCloseTo(value, 6);
    });
    expect(weights['a.weight']!.data[0]).toBeCloseTo(1 + 0.2 * Math.sin(1.5), 6);
    expect(weights['b.weight']!.data[1]).toBeCloseTo(0.2 * Math.sin(0.7 + 2.6 + 0.2), 6);
    expect(weights['c']).toBe(weights['a.bias']);
  });

  test('inputs: by rule, zeros, literal', () => {
    expect(makeInput({ rule: 'I', shape: [2], c: 0 }).data[1]).toBeCloseTo(Math.cos(0.3), 6);
    expect(makeInput({ rule: 'zeros', shape: [2] }).data).toEqual(new Float32Array(2));
    expect(makeInput({ shape: [2], dtype: 'int64', data: [3, -1] })).toMatchObject({
      dtype: 'int32',
      data: Int32Array.of(3, -1),
    });
  });
});

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

  test('exact values', () => {
    expect(compareExact('x', [1, 2], [1, 2]).pass).toBe(true);
    expect(compareExact('x', [1, 2], [1, 3])).toMatchObject({ pass: false, detail: '[1,2], expected [1,3]' });
  });
});
