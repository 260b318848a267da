/**
 * One graph for all sizes of a program's named dimensions. tfjs programs see concrete shapes only, so the program is recorded
 * at several sizes and the recordings are compared: where they differ, a number follows the sizes. Such numbers occur in
 * constants (targets of Reshape and Expand, ends of Slice and Range, a number to compare with), which become small computations
 * on the run's sizes. One more recording, at sizes of its own, confirms what was found.
 */

import { type DimensionSizes, inputShapes } from '../dimensions.ts';
import type { OnnxInitializer, OnnxModel, OnnxValueInfo } from '../onnx/model.ts';
import type { CompileSpec, Program } from '../types.ts';
import { type Recording, record } from './record.ts';
import { SizeComputation, type SizeSource } from './size-computation.ts';
import { evaluate, interpolate, type SizePolynomial } from './size-polynomial.ts';

/** Which dimensions one graph serves in all sizes. */
export interface SymbolicOptions {
  readonly dimensions: readonly string[];
  /** Sizes of the other dimensions. */
  readonly fixed: DimensionSizes;
}

/** A graph for all sizes, and the largest sizes that the program is known to take. */
export interface SymbolicRecording extends Recording {
  readonly largest: DimensionSizes;
  /** Whether a recording at `sizes` is what this graph computes there. Throws what the program throws at sizes it refuses. */
  readonly confirms: (sizes: DimensionSizes) => boolean;
}

/**
 * A recording that serves all sizes of `dimensions`, or `undefined` if the program depends on one of them in another way than
 * through integers that are polynomials in it (a factor 1 / batch, say): then it needs a recording for each size.
 */
export function recordSymbolic<P, S>(
  name: string,
  program: Program<P, S>,
  spec: CompileSpec,
  { dimensions, fixed }: SymbolicOptions,
): SymbolicRecording | undefined {
  const sources = dimensions.map(dimension => sourceOf(dimension, spec));
  const probes = dimensions.length > 0 && chooseProbes(sources, spec);
  if (!probes) return undefined;
  const recordAt = (u: readonly number[]) => {
    const sizes = Object.fromEntries(sources.map((source, d) => [source.name, u[d]! * source.multipleOf]));
    return record(name, program, spec, inputShapes(spec.inputs, { ...fixed, ...sizes }));
  };
  let corners: Recording[];
  try {
    corners = Array.from({ length: 2 ** dimensions.length }, (_, corner) =>
      recordAt(probes.map(pair => pair[(corner & (1 << probes.indexOf(pair))) === 0 ? 0 : 1])),
    );
    corners.push(recordAt(probes.map(probe => probe[2])));
  } catch {
    // The program refuses a probe (it halves its batch, say): a recording at the real sizes decides what is wrong.
    return undefined;
  }
  const found = generalise(corners.slice(0, -1), probes);
  if (!found) return undefined;
  const confirms = (recording: Recording, u: readonly number[]) => agrees(recording.model, corners[0]!.model, found, u);
  if (
    !confirms(
      corners.at(-1)!,
      probes.map(probe => probe[2]),
    )
  )
    return undefined;
  return {
    ...corners[0]!,
    model: symbolicModel(corners[0]!.model, corners.at(-1)!.model, found, sources, spec),
    largest: Object.fromEntries(sources.map((source, d) => [source.name, Math.max(...probes[d]!) * source.multipleOf])),
    confirms: sizes => {
      const u = sources.map(source => sizes[source.name]! / source.multipleOf);
      return confirms(recordAt(u), u);
    },
  };
}

/**
 * Primes that are rarely a model's own dimensions, so that two sizes do not look alike by accident. Those of a program with
 * several dimensions are smaller, for it may hold constants of their product.
 */
const largePrimes = [1009, 1013, 1019];
const smallPrimes = [
  ...[127, 131, 137, 109, 113, 139, 101, 103, 107, 149, 151, 157, 163, 167, 173, 179, 181, 191],
  ...[59, 61, 67, 53, 47, 43, 41, 37, 31, 29, 23, 19, 17, 13, 11, 7, 5, 3, 2],
];

type Probe = readonly [first: number, second: number, check: number];

/** Three sizes (in multiples of what each is a multiple of) per dimension, all different; `undefined` if limits leave no three. */
function chooseProbes(sources: readonly SizeSource[], { dimensions = {} }: CompileSpec): Probe[] | undefined {
  const primes = new Set(sources.length === 1 ? [...largePrimes, ...smallPrimes] : smallPrimes);
  const probes = new Map<SizeSource, Probe>();
  const limit = ({ name, multipleOf }: SizeSource) => (dimensions[name]?.max ?? Number.POSITIVE_INFINITY) / multipleOf;
  // The narrowest first: the others have more to choose from.
  for (const source of [...sources].sort((a, b) => limit(a) - limit(b))) {
    const [first, second, check] = [...primes].filter(prime => prime <= limit(source));
    if (first === undefined || second === undefined || check === undefined) return undefined;
    for (const prime of [first, second, check]) primes.delete(prime);
    probes.set(source, [first, second, check]);
  }
  return sources.map(source => probes.get(source)!);
}

function sourceOf(name: string, { inputs, dimensions = {} }: CompileSpec): SizeSource {
  const [input, { shape }] = Object.entries(inputs).find(([, { shape }]) => shape.includes(name))!;
  return { name, input: `inputs/${input}`, axis: shape.indexOf(name), multipleOf: dimensions[name]?.multipleOf ?? 1 };
}

/** Entries of constants that follow the sizes, by the constant's name. */
type Polynomials = ReadonlyMap<string, readonly SizePolynomial[]>;

/** `undefined` if the recordings differ in more than polynomials in constants. */
function generalise(corners: readonly Recording[], probes: readonly Probe[]): Polynomials | undefined {
  const [{ model: first }, ...others] = corners as [Recording, ...Recording[]];
  const nodes = JSON.stringify(first.nodes);
  if (others.some(({ model }) => JSON.stringify(model.nodes) !== nodes)) return undefined;
  const grid = probes.map(([a, b]) => [BigInt(a), BigInt(b)] as const);
  const found = new Map<string, readonly SizePolynomial[]>();
  for (const [index, initializer] of first.initializers.entries()) {
    const all = corners.map(({ model }) => model.initializers[index]);
    if (all.every(other => other && sameContent(initializer, other))) continue;
    if (!all.every(other => other && isLike(other, initializer))) return undefined;
    const values = all.map(other => integersOf(other!));
    if (!values.every(corner => corner !== undefined)) return undefined;
    const entries = values[0]!.map((_, entry) =>
      interpolate(
        grid,
        values.map(corner => corner[entry]!),
      ),
    );
    if (!entries.every(entry => entry !== undefined)) return undefined;
    found.set(initializer.name, entries);
  }
  return found;
}

/** Whether `model`, recorded at the sizes `u`, has the nodes of `first` and the constants that were found. */
function agrees(model: OnnxModel, first: OnnxModel, found: Polynomials, u: readonly number[]): boolean {
  const sizes = u.map(BigInt);
  return (
    model.initializers.length === first.initializers.length &&
    model.initializers.every((initializer, index) => {
      const expected = first.initializers[index]!;
      const entries = initializer.name === expected.name && found.get(initializer.name);
      if (!entries) return sameContent(initializer, expected);
      const values = isLike(initializer, expected) && integersOf(initializer);
      return values && entries.every((polynomial, entry) => evaluate(polynomial, sizes) === values[entry]);
    }) &&
    JSON.stringify(model.nodes) === JSON.stringify(first.nodes)
  );
}

function symbolicModel(
  first: OnnxModel,
  other: OnnxModel,
  found: Polynomials,
  sources: readonly SizeSource[],
  { inputs }: CompileSpec,
): OnnxModel {
  const computation = new SizeComputation(sources);
  for (const initializer of first.initializers) {
    const entries = found.get(initializer.name);
    if (entries) computation.define(initializer, entries);
  }
  const names = new Set(sources.map(source => source.name));
  return {
    ...first,
    nodes: [...computation.nodes, ...first.nodes],
    initializers: [...first.initializers.filter(({ name }) => !found.has(name)), ...computation.constants],
    inputs: first.inputs.map(input => {
      const declared = input.name.startsWith('inputs/') ? inputs[input.name.slice('inputs/'.length)]?.shape : undefined;
      const dimension = (size: number | string, axis: number) => {
        const given = declared?.[axis];
        return typeof given === 'string' && names.has(given) ? given : size;
      };
      return { ...input, shape: input.shape.map(dimension) };
    }),
    outputs: first.outputs.map((output, index) => ({
      ...output,
      shape: output.shape.map((dimension, axis) =>
        dimension === other.outputs[index]!.shape[axis] ? dimension : `${output.name}_${axis}`,
      ),
    })),
    values: symbolicValues(first, other, sources),
  };
}

/** The values between nodes, with the names of dimensions where those of two recordings differ; `?` where it is more than a name. */
function symbolicValues(first: OnnxModel, other: OnnxModel, sources: readonly SizeSource[]): OnnxValueInfo[] {
  const sizeIn = ({ inputs }: OnnxModel, { input, axis }: SizeSource) =>
    inputs.find(({ name }) => name === input)?.shape[axis];
  const sizes = sources.map(source => [source.name, sizeIn(first, source), sizeIn(other, source)] as const);
  return (first.values ?? []).map((value, index) => ({
    ...value,
    shape: value.shape.map((dimension, axis) => {
      const its = other.values?.[index]?.shape[axis];
      if (its === dimension) return dimension;
      return sizes.find(([, a, b]) => a === dimension && b === its)?.[0] ?? '?';
    }),
  }));
}

function sameContent(a: OnnxInitializer, b: OnnxInitializer): boolean {
  if (a.name !== b.name || a.type !== b.type || a.shape.join() !== b.shape.join()) return false;
  if (!(a.data instanceof Uint8Array) || !(b.data instanceof Uint8Array))
    return JSON.stringify(a.data) === JSON.stringify(b.data);
  return Buffer.compare(a.data, b.data) === 0;
}

function isLike(a: OnnxInitializer, b: OnnxInitializer): boolean {
  return a.name === b.name && a.type === b.type && a.shape.join() === b.shape.join();
}

/** The values of a number or a list of numbers; `undefined` if they are not all integers. */
function integersOf({ type, shape, data }: OnnxInitializer): bigint[] | undefined {
  if (shape.length > 1 || !(data instanceof Uint8Array)) return undefined;
  const { buffer } = data.slice();
  switch (type) {
    case 'int64':
      return [...new BigInt64Array(buffer)];
    case 'int32':
      return Array.from(new Int32Array(buffer), BigInt);
    case 'float32': {
      const values = [...new Float32Array(buffer)];
      return values.every(Number.isSafeInteger) ? values.map(BigInt) : undefined;
    }
    default:
      return undefined;
  }
}
