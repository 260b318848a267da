import fc from 'fast-check';
import { expect, test } from 'vitest';
import { evaluate, interpolate } from './size-polynomial.ts';

const grids = [[127n, 131n] as const, [137n, 109n] as const, [3n, 2n] as const];

/** Values of `f` at the corners of a grid of `dimensions` dimensions. */
function corners(dimensions: number, f: (u: readonly bigint[]) => bigint): bigint[] {
  return Array.from({ length: 2 ** dimensions }, (_, corner) =>
    f(grids.slice(0, dimensions).map((pair, d) => pair[(corner >> d) & 1]!)),
  );
}

test('finds every polynomial that is linear in each size', () => {
  fc.assert(
    fc.property(
      fc
        .integer({ min: 0, max: 3 })
        .chain(d =>
          fc.tuple(
            fc.array(fc.bigInt({ min: -100_000n, max: 100_000n }), { minLength: 2 ** d, maxLength: 2 ** d }),
            fc.array(fc.bigInt({ min: 0n, max: 5000n }), { minLength: d, maxLength: d }),
          ),
        ),
      ([coefficients, u]) => {
        const values = corners(u.length, sizes => evaluate(coefficients, sizes));
        expect(interpolate(grids.slice(0, u.length), values)).toEqual(coefficients);
        expect(evaluate(coefficients, u)).toBe(evaluate(interpolate(grids.slice(0, u.length), values)!, u));
      },
    ),
  );
});

test('the values are those that programs compute', () => {
  const [batch, past, length] = [5n, 0n, 7n];
  const at = (f: (u: readonly bigint[]) => bigint) => {
    const found = interpolate(grids, corners(3, f));
    return found && evaluate(found, [batch, past, length]);
  };
  expect(at(([b, p, l]) => b! * (p! + l!) * 64n - 1n)).toBe(5n * 7n * 64n - 1n);
  expect(at(() => 12n)).toBe(12n);
});

test('refuses what needs fractions', () => {
  expect(interpolate(grids.slice(0, 1), [63n, 65n])).toBeUndefined(); // 127 / 2, 131 / 2
  expect(interpolate(grids.slice(0, 2), [1n, 1n, 1n, 2n])).toBeUndefined();
});
