/** Comparing what was computed with what a golden file expects. */
import { readValues } from './tensors.ts';

/** |got - expected| <= atol + rtol |expected|. */
export interface Tolerance {
  readonly atol: number;
  readonly rtol: number;
}

/** One compared output of one case. */
export interface CaseResult {
  /** "case / output". */
  readonly name: string;
  /** The largest |got - expected|; 0 or infinity for exact values. */
  readonly error: number;
  /** The largest |got - expected| / (atol + rtol |expected|); at most 1 passes. */
  readonly ratio: number;
  readonly tolerance: Tolerance;
  readonly pass: boolean;
  /** What differs, when it does not pass. */
  readonly detail?: string;
}

const EXACT: Tolerance = { atol: 0, rtol: 0 };

/**
 * Compares numbers with the expected ones of a case. A wrong shape or a NaN fails with infinite error.
 * @param expected a tensor of the file, literal or by rule
 */
export function compare(
  name: string,
  got: { readonly shape?: readonly number[]; readonly data: ArrayLike<number> },
  expected: unknown,
  tolerance: Tolerance,
): CaseResult {
  const { shape, data } = readValues(expected, name);
  const wrongShape = got.shape ? `${got.shape}` !== `${shape}` : got.data.length !== data.length;
  if (wrongShape) {
    const detail = `shape [${got.shape ?? got.data.length}], expected [${shape}]`;
    return { name, error: Number.POSITIVE_INFINITY, ratio: Number.POSITIVE_INFINITY, tolerance, pass: false, detail };
  }
  let [error, ratio, worst] = [0, 0, 0];
  for (let i = 0; i < data.length; i++) {
    const difference = Math.abs(got.data[i]! - data[i]!);
    const limit = tolerance.atol + tolerance.rtol * Math.abs(data[i]!);
    const fraction = Number.isNaN(difference) ? Number.POSITIVE_INFINITY : difference === 0 ? 0 : difference / limit;
    error = Math.max(error, Number.isNaN(difference) ? Number.POSITIVE_INFINITY : difference);
    if (fraction > ratio) [ratio, worst] = [fraction, i];
  }
  const pass = ratio <= 1;
  const detail = `element ${worst}: ${got.data[worst]}, expected ${data[worst]}`;
  return { name, error, ratio, tolerance, pass, ...(pass ? {} : { detail }) };
}

/** Compares values that must be equal (tokens, strings, counts), by their JSON. */
export function compareExact(name: string, got: unknown, expected: unknown): CaseResult {
  const [a, b] = [JSON.stringify(got), JSON.stringify(expected)];
  const pass = a === b;
  const error = pass ? 0 : Number.POSITIVE_INFINITY;
  return { name, error, ratio: error, tolerance: EXACT, pass, ...(pass ? {} : { detail: `${a}, expected ${b}` }) };
}
