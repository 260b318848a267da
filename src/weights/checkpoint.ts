/** Another library's weights, as conversion reads them: every name and shape at once, the tensors one by one. */
import { DuetError } from '../core/errors.ts';
import type { HostTensor } from '../core/host-tensor.ts';
import { loadStoredTensor, readSafetensorsHeader } from './safetensors.ts';

/** Reads one tensor of a checkpoint into memory. */
export type ReadTensor = (name: string) => Promise<HostTensor>;

export interface Checkpoint {
  /** What messages call it: its file or folder. */
  readonly name: string;
  /** The shape of every tensor by its name there. */
  readonly shapes: ReadonlyMap<string, readonly number[]>;
  /** Whether all of its floats have half precision, so that nothing is lost if they stay so. @default false */
  readonly isHalf?: boolean;
  readonly read: ReadTensor;
}

/** The tensors of one or several .safetensors files. Throws DuetError `invalid-weights` for a broken or hostile file. */
export async function openCheckpoint(...files: readonly string[]): Promise<Checkpoint> {
  const headers = await Promise.all(files.map(readSafetensorsHeader));
  const stored = new Map(headers.flatMap(({ tensors }) => Object.entries(tensors)));
  const file = files.join(', ');
  return {
    name: file,
    shapes: new Map(Array.from(stored, ([name, { shape }]) => [name, shape])),
    isHalf: [...stored.values()].every(({ storedAs }) => !['F64', 'F32', 'BF16'].includes(storedAs)),
    read: async name => {
      const tensor = stored.get(name);
      if (!tensor) throw new DuetError('invalid-weights', `${file} has no tensor ${name}`);
      return loadStoredTensor(name, tensor);
    },
  };
}

/** Tensors in memory as a checkpoint. */
export function checkpointOf(name: string, tensors: Readonly<Record<string, HostTensor>>): Checkpoint {
  const all = new Map(Object.entries(tensors));
  return {
    name,
    shapes: new Map(Array.from(all, ([tensor, { shape }]) => [tensor, shape])),
    read: async tensor => {
      const found = all.get(tensor);
      if (!found) throw new DuetError('invalid-weights', `${name} has no tensor ${tensor}`);
      return found;
    },
  };
}
