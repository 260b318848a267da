/**
 * Numbers that follow the sizes of named dimensions: `batch * length * 64`, `past + length`, `length - 1`. Each is a
 * polynomial in the sizes that is linear in every single one, found by interpolation from a recording at each corner of a
 * grid with two sizes per dimension.
 *
 * Symbols: u_d, the size of dimension d divided by what it is a multiple of; a corner is a bit mask, bit d set where
 * dimension d has the second of its two sizes; a term is a bit mask too, bit d set where u_d is a factor.
 */

/** Two sizes u_d of each dimension d. */
export type Grid = readonly (readonly [bigint, bigint])[];

/** Coefficients by term. */
export type SizePolynomial = readonly bigint[];

/**
 * The polynomial that takes the given values at the corners of `grid`, or `undefined` if its coefficients are not integers.
 * @param values 2^D of them, by corner
 */
export function interpolate(grid: Grid, values: readonly bigint[]): SizePolynomial | undefined {
  const coefficients = [...values];
  for (const [d, [first, second]] of grid.entries()) {
    const bit = 1 << d;
    for (let term = 0; term < coefficients.length; term++) {
      if ((term & bit) === 0) continue;
      const [low, high] = [coefficients[term - bit]!, coefficients[term]!];
      const slope = (high - low) / (second - first);
      if (slope * (second - first) !== high - low) return undefined;
      coefficients[term - bit] = low - slope * first;
      coefficients[term] = slope;
    }
  }
  return coefficients;
}

/** The value at the sizes `u`. */
export function evaluate(polynomial: SizePolynomial, u: readonly bigint[]): bigint {
  return polynomial.reduce(
    (sum, coefficient, term) => sum + factorsOf(term, u.length).reduce((product, d) => product * u[d]!, coefficient),
    0n,
  );
}

/** The dimensions whose sizes a term multiplies. */
export function factorsOf(term: number, dimensions: number): number[] {
  return Array.from({ length: dimensions }, (_, d) => d).filter(d => (term & (1 << d)) !== 0);
}
