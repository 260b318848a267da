/**
 * Tensors of golden files. Any tensor may be written out or given by a rule, as an input, as an expected output or among
 * the weights; every one of them is read here. Inputs of one group share their batch; one of batch 1 (or a single number)
 * stands for the same row in each sample.
 */
import { type HostTensor, sizeOf } from '../../src/core/host-tensor.ts';

/** A tensor of a file as numbers in double precision, row by row. */
export interface Values {
  readonly shape: readonly number[];
  readonly data: readonly number[];
}

type DType = HostTensor['dtype'];

/**
 * Names of a case's inputs in the file -> name and type for the program. The type is the program's: files may give times as
 * whole numbers, and a rule says nothing about types.
 */
export type InputNames = Readonly<Record<string, readonly [name: string, dtype: DType]>>;

/** Rule I: cos(0.3 i + c) over the flat row-major index. */
export function ruleI(shape: readonly number[], c: number): Values {
  return { shape, data: Array.from({ length: sizeOf(shape) }, (_, i) => Math.cos(0.3 * i + c)) };
}

/** The hash of rule H for one element, in [-1, 1): i is the flat index, k the rank of the tensor. */
export function hashH(i: number, k: number, seed: number): number {
  let h = (Math.imul(i, 0x9e3779b1) + Math.imul(k, 0x85ebca77) + Math.imul(seed, 0xc2b2ae3d)) >>> 0;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  h = (h ^ (h >>> 16)) >>> 0;
  return (2 * h) / 2 ** 32 - 1;
}

/** A rule's fields, as far as some rule has them. */
interface RuleTensor {
  readonly rule: string;
  readonly shape: readonly number[];
  readonly c?: number;
  readonly seed?: number;
  readonly a?: number;
}

function byRule(tensor: RuleTensor, what: string): Values {
  const { rule, shape } = tensor;
  const field = (name: 'c' | 'seed' | 'a') => {
    const value = tensor[name];
    if (typeof value === 'number') return value;
    throw new Error(`${what}: rule ${rule} needs a number "${name}", got ${JSON.stringify(value)}`);
  };
  switch (rule) {
    case 'zeros':
      return { shape, data: new Array<number>(sizeOf(shape)).fill(0) };
    case 'I':
      return ruleI(shape, field('c'));
    case 'H': {
      const [seed, a] = [field('seed'), field('a')];
      return { shape, data: Array.from({ length: sizeOf(shape) }, (_, i) => a * hashH(i, 0, seed)) };
    }
    default:
      throw new Error(`${what}: rule ${JSON.stringify(rule)} is not one of "I", "H", "zeros"`);
  }
}

/**
 * A tensor of a file: literal, by rule, a plain number (a scalar) or nested lists of numbers.
 * @param what its name in errors
 */
export function readValues(recipe: unknown, what = 'A tensor'): Values {
  if (typeof recipe === 'number') return { shape: [], data: [recipe] };
  if (Array.isArray(recipe)) {
    const rows = recipe.map(row => readValues(row, what));
    return { shape: [rows.length, ...(rows[0]?.shape ?? [])], data: rows.flatMap(row => row.data) };
  }
  if (typeof recipe !== 'object' || recipe === null || !Array.isArray((recipe as RuleTensor).shape)) {
    throw new Error(
      `${what}: neither a literal with shape and data nor a rule with a shape: ${JSON.stringify(recipe)}`,
    );
  }
  if ('rule' in recipe) return byRule(recipe as RuleTensor, what);
  const { shape, data } = recipe as { shape: readonly number[]; data: unknown };
  const numbers = [data].flat(Number.POSITIVE_INFINITY).map(Number);
  if (numbers.length !== sizeOf(shape) || numbers.some(Number.isNaN)) {
    throw new Error(`${what}: a literal of shape [${shape}] needs ${sizeOf(shape)} numbers, got ${numbers.length}`);
  }
  return { shape, data: numbers };
}

/** {@link readValues} as a tensor of `dtype`; floats are rounded to single precision. */
export function readTensor(recipe: unknown, dtype: DType = 'float32', what?: string): HostTensor {
  return toTensor(readValues(recipe, what), dtype);
}

/** Numbers as a tensor. */
export function toTensor({ shape, data }: Values, dtype: DType = 'float32'): HostTensor {
  switch (dtype) {
    case 'float32':
      return { dtype, shape, data: Float32Array.from(data) };
    case 'int32': {
      const wrong = data.find(value => value !== (value | 0));
      if (wrong !== undefined) throw new Error(`A tensor of integers holds ${wrong}`);
      return { dtype, shape, data: Int32Array.from(data) };
    }
    case 'bool':
      return { dtype, shape, data: Uint8Array.from(data) };
  }
}

/** `values` for a batch of `batch` samples: a scalar or a batch of 1 is repeated. */
function broadcast({ shape, data }: Values, batch: number, what: string): Values {
  const [rows = 1, ...rest] = shape;
  if (rows !== 1 && rows !== batch) {
    throw new Error(`${what}: shape [${shape}] is neither of batch 1 nor of batch ${batch}`);
  }
  const repeats = rows === batch ? 1 : batch;
  return { shape: [batch, ...rest], data: Array.from({ length: repeats }, () => data).flat() };
}

/**
 * The inputs of one group, renamed by `names` and broadcast to one batch; absent ones are left out.
 * @param batch @default the largest of the group
 */
export function makeInputs(
  inputs: Readonly<Record<string, unknown>>,
  names: InputNames,
  batch?: number,
): Record<string, HostTensor> {
  const given = Object.entries(names)
    .filter(([theirs]) => inputs[theirs] !== undefined && inputs[theirs] !== null)
    .map(([theirs, [ours, dtype]]) => ({ theirs, ours, dtype, values: readValues(inputs[theirs], theirs) }));
  const size = batch ?? Math.max(1, ...given.map(({ values }) => values.shape[0] ?? 1));
  return Object.fromEntries(
    given.map(({ theirs, ours, dtype, values }) => [ours, toTensor(broadcast(values, size, theirs), dtype)]),
  );
}
