import { describe, expect, test } from 'vitest';
import { hashH, makeInputs, readTensor, readValues } from './tensors.ts';
import { makeWeights } from './weights.ts';

describe('weights', () => {
  test('rule F: spot values of the description, ones added to one-dimensional weights only', () => {
    const weights = makeWeights({
      rule: 'F',
      a: 0.2,
      keys: [['a.bias', [3]], ['a.weight', [2]], ['b.weight', [1, 2]]], // biome-ignore format: one line
      literal: { scale: 0.5 },
      tied: { c: 'a.bias' },
      mapped: [['other', 'b.weight', [0, 1]]],
    });
    [0.039734, 0.156665, 0.199915].forEach((value, i) => {
      expect(weights['a.bias']!.data[i]).toBeCloseTo(value, 6);
    });
    expect(weights['a.weight']!.data[0]).toBeCloseTo(1 + 0.2 * Math.sin(1.5), 6);
    expect(weights['b.weight']!.data[1]).toBeCloseTo(0.2 * Math.sin(0.7 + 2.6 + 0.2), 6);
    expect(weights['c']).toBe(weights['a.bias']);
    expect(weights['scale']).toEqual({ dtype: 'float32', shape: [], data: Float32Array.of(0.5) });
  });

  test('rule H: the spot values of the description, scaled by the fan-in', () => {
    expect([0, 1, 2, 3].map(i => hashH(i, 0, 1))).toEqual(
      [0.213426164, -0.56630782, -0.523139865, -0.0164413].map(u => expect.closeTo(u, 9)),
    );
    expect([0, 1].map(i => hashH(i, 3, 101))).toEqual([0.061725121, -0.238683336].map(u => expect.closeTo(u, 9)));
    const keys = [['a.weight', [4]], ['b', [2, 4]], ['c', [2, 3, 4]]] as const; // biome-ignore format: one line
    const { 'a.weight': a, b, c } = makeWeights({ rule: 'H', seed: 1, a: 1, b: 0.1, keys });
    expect(a!.data[0]).toBeCloseTo(1 + 0.1 * 0.213426164, 6);
    expect(b!.data[1]).toBeCloseTo(hashH(1, 1, 1) / 2, 6);
    expect(c!.data[1]).toBeCloseTo(hashH(1, 2, 1) / 2, 6);
  });

  test('an unknown rule is refused, not taken for F', () => {
    expect(() => makeWeights({ rule: 'G', a: 1, keys: [] })).toThrow(/"G"; the rules are "F" and "H"/);
  });
});

describe('one tensor', () => {
  test.each([
    ['rule I', { rule: 'I', shape: [2], c: 0 }, [2], [1, Math.cos(0.3)]],
    ['rule H', { rule: 'H', shape: [1, 1], seed: 1, a: 2 }, [1, 1], [2 * hashH(0, 0, 1)]],
    ['zeros', { rule: 'zeros', shape: [2] }, [2], [0, 0]],
    ['a literal', { shape: [2], dtype: 'int64', data: [3, -1] }, [2], [3, -1]],
    ['a nested literal', { shape: [2, 1], data: [[3], [-1]] }, [2, 1], [3, -1]],
    ['truth values', { shape: [2], dtype: 'bool', data: [true, false] }, [2], [1, 0]],
    ['a number', 7, [], [7]],
    ['a list', [[1, 2], [3, 4]], [2, 2], [1, 2, 3, 4]], // biome-ignore format: one line
  ] as const)('%s', (_, recipe, shape, data) => {
    expect(readValues(recipe)).toEqual({ shape, data });
  });

  test('has the type that the program wants', () => {
    expect(readTensor({ rule: 'zeros', shape: [2] }, 'int32')).toEqual({
      dtype: 'int32',
      shape: [2],
      data: new Int32Array(2),
    });
    expect(readTensor({ shape: [1], dtype: 'int64', data: [7] })).toMatchObject({ data: Float32Array.of(7) });
    expect(readTensor(980.02).data[0]).toBe(Math.fround(980.02));
    expect(() => readTensor([1, 0.5], 'int32')).toThrow(/integers holds 0.5/);
  });

  test.each([
    [{ rule: 'J', shape: [2] }, /x: rule "J" is not one of "I", "H", "zeros"/],
    [{ rule: 'I', shape: [2] }, /x: rule I needs a number "c", got undefined/],
    [{ shape: [2], data: [1] }, /x: a literal of shape \[2\] needs 2 numbers, got 1/],
    [{ shape: [1], data: ['one'] }, /x: a literal/],
    ['zeros', /x: neither a literal/],
    [null, /x: neither a literal/],
  ])('%j is refused', (recipe, message) => {
    expect(() => readValues(recipe, 'x')).toThrow(message);
  });
});

describe('inputs of one batch', () => {
  const names = { x: ['image', 'float32'], t: ['time', 'float32'], y: ['label', 'int32'] } as const;

  test('a batch of 1 and a single number stand for every sample; absent inputs stay absent', () => {
    const x = { shape: [2, 1], data: [5, 6] };
    expect(makeInputs({ x, t: { shape: [1], data: [9] }, y: 3 }, names)).toEqual({
      image: { dtype: 'float32', shape: [2, 1], data: Float32Array.of(5, 6) },
      time: { dtype: 'float32', shape: [2], data: Float32Array.of(9, 9) },
      label: { dtype: 'int32', shape: [2], data: Int32Array.of(3, 3) },
    });
    expect(Object.keys(makeInputs({ x, y: null, other: 1 }, names))).toEqual(['image']);
    expect(makeInputs({ x: { rule: 'I', shape: [1, 1], c: 0 } }, names, 3)['image']!.shape).toEqual([3, 1]);
  });

  test('other batches are refused', () => {
    const x = { rule: 'zeros', shape: [3, 1] };
    expect(() => makeInputs({ x, t: [1, 2] }, names)).toThrow(/t: shape \[2\] is neither of batch 1 nor of batch 3/);
  });
});
