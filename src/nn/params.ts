/**
 * Parameters as data: a network describes its tensors in a spec tree (shape and how to initialise), and everything else
 * (types, names, fresh weights, checks of weight files) follows from that tree.
 * Spec types are type aliases: an interface would not be assignable to `Tree`.
 */
import type * as tf from '@tensorflow/tfjs';
import { float32, type HostTensor, sizeOf } from '../core/host-tensor.ts';
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

/** The tree of tensors described by the spec tree S. */
export type Params<S> = S extends ParamSpec
  ? tf.Tensor
  : S extends readonly (infer U)[]
    ? Params<U>[]
    : S extends object
      ? { [K in keyof S]: Params<S[K]> }
      : S;

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

/**
 * Fresh float32 tensors for every parameter of `spec`, drawn in the order of the tree.
 * @param random a seeded source makes the result reproducible
 */
export function initialise(spec: Tree<ParamSpec>, random: UniformRandom): Tree<HostTensor> {
  return mapTree(spec, isParamSpec, ({ shape, init }) => {
    const next = source(init, random);
    return float32(shape, Float32Array.from({ length: sizeOf(shape) }, next));
  });
}

/** The number of values that `spec` describes. */
export function countParams(spec: Tree<ParamSpec>): number {
  let count = 0;
  mapTree(spec, isParamSpec, ({ shape }) => {
    count += sizeOf(shape);
  });
  return count;
}
