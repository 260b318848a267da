/**
 * Parameters as data: a network describes its tensors in a spec tree (shape and how to initialise), and everything else
 * (types, names, fresh weights, checks of weight files) follows from that tree.
 * Spec types are type aliases: an interface would not be assignable to `Tree`.
 */
import type * as tf from '@tensorflow/tfjs';
import { DuetError } from '../core/errors.ts';
import { float32, type HostTensor, sizeOf } from '../core/host-tensor.ts';
import { listSome } from '../core/list-some.ts';
import { mapTree, type Tree } from '../core/tree.ts';

/** How the values of a fresh tensor are drawn. */
type Initialiser =
  | { readonly kind: 'zeros' }
  | { readonly kind: 'ones' }
  | { readonly kind: 'constant'; readonly value: number }
  | { readonly kind: 'normal'; readonly std: number }
  /** Normal, drawn again while |value| > 2: torch's `trunc_normal_` with its default cut. */
  | { readonly kind: 'trunc-normal'; readonly std: number }
  /** Uniform in [-1/sqrt(fanIn), 1/sqrt(fanIn)]: torch's default for weights and biases of linear and conv layers. */
  | { readonly kind: 'uniform-fan-in'; readonly fanIn: number };

/** Shape and initialisation of one parameter (a leaf of a spec tree). */
export interface ParamSpec {
  readonly shape: readonly number[];
  readonly init: Initialiser;
}

/** The spec tree S with a T in place of each parameter. */
export type Filled<S, T> = S extends ParamSpec
  ? T
  : S extends readonly (infer U)[]
    ? Filled<U, T>[]
    : S extends object
      ? { [K in keyof S]: Filled<S[K], T> }
      : S;

/** The tree of tensors described by the spec tree S, as a program sees it. */
export type Params<S> = Filled<S, tf.Tensor>;

/** Uniform pseudo-random numbers in [0, 1). */
export type UniformRandom = () => number;

/** The half-width of the interval of `trunc-normal`, in absolute units. */
const TRUNCATION = 2;

export function isParamSpec(node: unknown): node is ParamSpec {
  return typeof node === 'object' && node !== null && 'shape' in node && 'init' in node;
}

export function zeros(shape: readonly number[]): ParamSpec {
  return { shape, init: { kind: 'zeros' } };
}

export function ones(shape: readonly number[]): ParamSpec {
  return { shape, init: { kind: 'ones' } };
}

export function normal(shape: readonly number[], std: number): ParamSpec {
  return { shape, init: { kind: 'normal', std } };
}

export function truncNormal(shape: readonly number[], std: number): ParamSpec {
  return { shape, init: { kind: 'trunc-normal', std } };
}

/** Normal numbers from uniform ones (Box and Muller 1958), two per pair. */
function normalSource(random: UniformRandom): () => number {
  let spare: number | undefined;
  return () => {
    if (spare !== undefined) {
      const value = spare;
      spare = undefined;
      return value;
    }
    const radius = Math.sqrt(-2 * Math.log(1 - random())); // 1 - u is never 0
    const angle = 2 * Math.PI * random();
    spare = radius * Math.sin(angle);
    return radius * Math.cos(angle);
  };
}

function source(init: Initialiser, random: UniformRandom): () => number {
  switch (init.kind) {
    case 'zeros':
      return () => 0;
    case 'ones':
      return () => 1;
    case 'constant':
      return () => init.value;
    case 'normal': {
      const draw = normalSource(random);
      return () => init.std * draw();
    }
    case 'trunc-normal': {
      const draw = normalSource(random);
      return () => {
        for (;;) {
          const value = init.std * draw();
          if (Math.abs(value) <= TRUNCATION) return value;
        }
      };
    }
    case 'uniform-fan-in': {
      const bound = 1 / Math.sqrt(init.fanIn);
      return () => bound * (2 * random() - 1);
    }
  }
}

/** The tree of `spec` with `make` of each parameter in its place, in the order of the tree. */
function mapSpec<S extends Tree<ParamSpec>, T>(spec: S, make: (param: ParamSpec, name: string) => T): Filled<S, T> {
  // mapTree keeps the structure of its tree, which Filled describes and mapTree's own type does not.
  return mapTree(spec, isParamSpec, make) as Filled<S, T>;
}

/**
 * Fresh float32 tensors for every parameter of `spec`, drawn in the order of the tree.
 * @param random a seeded source makes the result reproducible
 */
export function initialise<S extends Tree<ParamSpec>>(spec: S, random: UniformRandom): Filled<S, HostTensor> {
  return mapSpec(spec, ({ shape, init }) => {
    const next = source(init, random);
    return float32(shape, Float32Array.from({ length: sizeOf(shape) }, next));
  });
}

/** What {@link fillParams} looks at in a tensor: those in memory, in files and inside programs have it. */
interface Shaped {
  readonly dtype: string;
  readonly shape: readonly number[];
}

/**
 * The parameters of `spec` from tensors by dotted name.
 * @param origin where the tensors come from, for messages
 * @param prefix of the names: "text." takes the parameters of one part of a model
 * @throws DuetError `invalid-weights` that lists by name what is missing, left over (under the prefix) or of another shape
 */
export function fillParams<S extends Tree<ParamSpec>, T extends Shaped>(
  spec: S,
  tensors: Readonly<Record<string, T>>,
  origin: string,
  prefix = '',
): Filled<S, T> {
  const expected = new Map<string, ParamSpec>();
  mapSpec(spec, (param, name) => expected.set(`${prefix}${name}`, param));
  const names = [...expected.keys()];
  const missing = names.filter(name => !Object.hasOwn(tensors, name));
  const extra = Object.keys(tensors).filter(name => name.startsWith(prefix) && !expected.has(name));
  const misshaped = names.flatMap(name => {
    const { shape } = expected.get(name)!;
    const tensor = Object.hasOwn(tensors, name) ? tensors[name] : undefined;
    if (!tensor || (tensor.dtype === 'float32' && tensor.shape.join() === shape.join())) return [];
    return [`${name} is ${tensor.dtype} [${tensor.shape.join(', ')}] instead of float32 [${shape.join(', ')}]`];
  });
  const problems = [
    { count: missing.length, what: 'parameters are missing', names: missing },
    { count: extra.length, what: 'are unknown', names: extra },
    { count: misshaped.length, what: 'have another type or shape', names: misshaped },
  ].filter(({ count }) => count > 0);
  if (problems.length > 0) {
    const list = problems.map(({ count, what, names }) => `${count} ${what} (${listSome(names)})`).join(', ');
    throw new DuetError('invalid-weights', `${origin} does not fit its configuration: ${list}`);
  }
  return mapSpec(spec, (_, name) => tensors[`${prefix}${name}`]!);
}

/** The number of values that `spec` describes. @testOnly */
export function countParams(spec: Tree<ParamSpec>): number {
  let count = 0;
  mapSpec(spec, ({ shape }) => {
    count += sizeOf(shape);
  });
  return count;
}
