/**
 * Named dimensions of a program's inputs: `'batch'`, `'length'`, or any other name in place of a number. A name stands for
 * one number in all shapes that use it, fixed anew at each run.
 */
import { DuetError } from '../core/errors.ts';
import { type HostTensor, sizeOf } from '../core/host-tensor.ts';
import type { CompileSpec, InputSpec } from './types.ts';

/** A number for each named dimension of a program. */
export type DimensionSizes = Readonly<Record<string, number>>;

type InputSpecs = CompileSpec['inputs'];
type DimensionSpec = Pick<CompileSpec, 'inputs' | 'dimensions'>;

/** The names, in order of appearance. */
export function dimensionNames(inputs: InputSpecs): string[] {
  const all = Object.values(inputs).flatMap(({ shape }) => shape);
  return [...new Set(all.filter(dimension => typeof dimension === 'string'))];
}

/** Concrete shapes for the given sizes. */
export function inputShapes(inputs: InputSpecs, sizes: DimensionSizes): Record<string, number[]> {
  const concrete = (dimension: number | string) => (typeof dimension === 'string' ? sizes[dimension]! : dimension);
  return Object.fromEntries(Object.entries(inputs).map(([name, { shape }]) => [name, shape.map(concrete)]));
}

/** @throws DuetError `invalid-argument` if a name or a limit of `spec` makes no sense */
export function checkDimensions(program: string, { inputs, dimensions = {} }: DimensionSpec): void {
  const names = dimensionNames(inputs);
  const fail = (message: string) => {
    throw new DuetError('invalid-argument', `${program}: ${message}`);
  };
  for (const name of names) {
    if (!/^[a-z]\w*$/i.test(name)) {
      fail(`a dimension's name must be a letter with letters, digits or _ behind it, got "${name}"`);
    }
  }
  for (const [name, limits] of Object.entries(dimensions)) {
    if (!names.includes(name)) fail(`no input has the dimension "${name}"; there are ${names.join(', ') || 'none'}`);
    for (const [limit, value] of Object.entries(limits)) {
      const least = limit === 'max' ? 0 : 1;
      if (!Number.isSafeInteger(value) || value < least) {
        fail(`${limit} of the dimension "${name}" must be an integer of at least ${least}, got ${value}`);
      }
    }
  }
}

/**
 * The sizes of a run's dimensions, read from its inputs as far as they are not `known`.
 * @throws DuetError `invalid-argument` if an input is missing, unknown or of another shape or type, or a size out of limits
 */
export function dimensionsOf(
  program: string,
  { inputs: specs, dimensions = {} }: DimensionSpec,
  inputs: Readonly<Record<string, HostTensor>>,
  known: DimensionSizes = {},
): DimensionSizes {
  const unknown = Object.keys(inputs).filter(name => !(name in specs));
  if (unknown.length > 0) {
    throw new DuetError(
      'invalid-argument',
      `${program} has no input "${unknown.join('", "')}"; it takes ${Object.keys(specs).join(', ') || 'none'}`,
    );
  }
  const sizes: Record<string, number> = { ...known };
  for (const [name, spec] of Object.entries(specs)) readSizes(program, name, spec, inputs[name], sizes);
  for (const [name, { max = Number.POSITIVE_INFINITY, multipleOf = 1 }] of Object.entries(dimensions)) {
    const size = sizes[name]!;
    if (size <= max && size % multipleOf === 0) continue;
    const rules = [
      ...(max < Number.POSITIVE_INFINITY ? [`at most ${max}`] : []),
      ...(multipleOf > 1 ? [`a multiple of ${multipleOf}`] : []),
    ];
    throw new DuetError(
      'invalid-argument',
      `The dimension "${name}" of ${program} must be ${rules.join(' and ')}, got ${size}`,
    );
  }
  return sizes;
}

/** Checks one input against its spec and adds the sizes that it is the first to show. */
function readSizes(
  program: string,
  name: string,
  { dtype, shape }: InputSpec,
  tensor: HostTensor | undefined,
  sizes: Record<string, number>,
): void {
  const fits =
    tensor?.dtype === dtype &&
    tensor.shape.length === shape.length &&
    tensor.data.length === sizeOf(tensor.shape) &&
    shape.every((dimension, axis) => {
      const size = tensor.shape[axis]!;
      if (typeof dimension === 'number') return dimension === size;
      sizes[dimension] ??= size;
      return sizes[dimension] === size;
    });
  if (fits) return;
  const got = tensor ? `${tensor.dtype} [${tensor.shape.join(', ')}] with ${tensor.data.length} values` : 'nothing';
  const wanted = shape.map(dimension => (typeof dimension === 'string' ? (sizes[dimension] ?? dimension) : dimension));
  throw new DuetError(
    'invalid-argument',
    `Input "${name}" of ${program} must be ${dtype} [${wanted.join(', ')}], got ${got}`,
  );
}
