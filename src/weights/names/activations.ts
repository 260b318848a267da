/** Activations by their names in transformers' configurations. */
import type { LlamaConfig } from '../../lm/index.ts';

type Activation = LlamaConfig['activation'];

export const geluNames = {
  quick_gelu: 'quick',
  gelu: 'erf',
  gelu_new: 'tanh',
  gelu_pytorch_tanh: 'tanh',
} as const;

export const activationNames = { silu: 'silu', swish: 'silu', relu: 'relu', ...geluNames } as const;

/** What `name`, which comes from a file, is called here; `undefined` if it is not in `names`. */
export function activationNamed<T extends Activation>(names: Readonly<Record<string, T>>, name: string): T | undefined {
  return Object.hasOwn(names, name) ? names[name] : undefined;
}

/** The first of `names` for one of our activations. */
export function activationNameOf<T extends Activation>(names: Readonly<Record<string, T>>, activation: T): string {
  const found = Object.entries(names).find(([, ours]) => ours === activation);
  if (!found) throw new RangeError(`There is no name for the activation ${activation}`);
  return found[0];
}
