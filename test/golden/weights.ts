/** Weights of golden cases, made by their rule under the names of the original library. */
import { float32, type HostTensor, sizeOf } from '../../src/core/host-tensor.ts';
import type { Tree } from '../../src/core/tree.ts';
import type { Filled, ParamSpec } from '../../src/nn/params.ts';
import { checkpointOf } from '../../src/weights/checkpoint.ts';
import { paramsFromCheckpoint } from '../../src/weights/convert.ts';
import type { NameRule } from '../../src/weights/names/name-map.ts';
import { hashH, readTensor } from './tensors.ts';

export interface WeightRecipe {
  readonly rule: string;
  readonly a: number;
  /** Rule H alone: its seed, and its amplitude for tensors of one dimension. */
  readonly seed?: number;
  readonly b?: number;
  /** Name and shape, in rank order. */
  readonly keys: readonly (readonly [string, readonly number[]])[];
  /** Tensors that are not ranked, by their values. */
  readonly literal?: Readonly<Record<string, unknown>>;
  /** Names that share the tensor of another name. */
  readonly tied?: Readonly<Record<string, string>>;
  /** [other library's name, ranked name, rows or null]. */
  readonly mapped?: readonly (readonly [string, string, readonly [number, number] | null])[];
  /** As `mapped`, for the Q-Former alone. */
  readonly mapped_transformers_qformer?: WeightRecipe['mapped'];
}

/** The value at flat index i of the tensor of rank k, but for the 1 added to one-dimensional weights. */
type WeightRule = (shape: readonly number[], i: number, k: number) => number;

function ruleOf({ rule, a, b = 0, seed = 0 }: WeightRecipe): WeightRule {
  switch (rule) {
    case 'F':
      return (_, i, k) => a * Math.sin(0.7 * i + 1.3 * k + 0.2);
    case 'H':
      return (shape, i, k) => {
        const u = hashH(i, k, seed);
        if (shape.length === 1) return b * u;
        return (a * u) / Math.sqrt(shape.length === 3 ? shape[2]! : sizeOf(shape.slice(1)));
      };
    default:
      throw new Error(`Weights by rule ${JSON.stringify(rule)}; the rules are "F" and "H"`);
  }
}

function rows({ shape, data }: HostTensor, [from, to]: readonly [number, number]): HostTensor {
  const width = sizeOf(shape.slice(1));
  return float32([to - from, ...shape.slice(1)], (data as Float32Array).slice(from * width, to * width));
}

/**
 * The weights of a case by the names of the original library (tied and literal ones included).
 * @param names `mapped`: under the other library's names instead
 */
export function makeWeights(recipe: WeightRecipe, names: 'ranked' | 'mapped' = 'ranked'): Record<string, HostTensor> {
  const value = ruleOf(recipe);
  const tensors: Record<string, HostTensor> = {};
  for (const [k, [name, shape]] of recipe.keys.entries()) {
    const offset = shape.length === 1 && name.endsWith('.weight') ? 1 : 0;
    const data = Float32Array.from({ length: sizeOf(shape) }, (_, i) => value(shape, i, k) + offset);
    tensors[name] = float32(shape, data);
  }
  if (names === 'mapped') {
    return Object.fromEntries(
      (recipe.mapped ?? []).map(([theirs, name, range]) => [
        theirs,
        range ? rows(tensors[name]!, range) : tensors[name]!,
      ]),
    );
  }
  for (const [name, literal] of Object.entries(recipe.literal ?? {}))
    tensors[name] = readTensor(literal, 'float32', name);
  for (const [name, source] of Object.entries(recipe.tied ?? {})) tensors[name] = tensors[source]!;
  return tensors;
}

/** A network's parameters from weights under the original library's names. */
export async function makeParams<S extends Tree<ParamSpec>>(
  spec: S,
  rules: readonly NameRule[],
  weights: Readonly<Record<string, HostTensor>>,
): Promise<Filled<S, HostTensor>> {
  return paramsFromCheckpoint(spec, rules, checkpointOf('golden weights', weights));
}
