/** Another library's weights, as conversion reads them: every name and shape at once, the tensors one by one. */
import { DuetError } from '../core/errors.ts';
import type { HostTensor } from '../core/host-tensor.ts';
import { loadStoredTensor, readSafetensorsHeader } from './safetensors.ts';
import type { SafetensorsHeader, StoredDType } from './safetensors-header.ts';
import type { StoredFloats } from './write-safetensors.ts';

/** Reads one tensor of a checkpoint into memory. */
export type ReadTensor = (name: string) => Promise<HostTensor>;

export interface Checkpoint {
  /** What messages call it: its file or folder. */
  readonly name: string;
  /** The shape of every tensor by its name there. */
  readonly shapes: ReadonlyMap<string, readonly number[]>;
  /** The narrowest format in which nothing of its floats is lost. @default 'F32' */
  readonly floats?: StoredFloats;
  readonly read: ReadTensor;
}

/** A checkpoint in files. */
export interface StoredCheckpoint extends Checkpoint {
  readonly files: readonly string[];
}

/** The tensors of one or several .safetensors files. Throws DuetError `invalid-weights` for a broken or hostile file. */
export async function openCheckpoint(...files: readonly string[]): Promise<StoredCheckpoint> {
  return storedCheckpoint(files, await Promise.all(files.map(readSafetensorsHeader)));
}

/** The same where the files' headers have been read. */
export function storedCheckpoint(files: readonly string[], headers: readonly SafetensorsHeader[]): StoredCheckpoint {
  const stored = new Map(headers.flatMap(({ tensors }) => Object.entries(tensors)));
  const file = files.join(', ');
  return {
    files,
    name: file,
    shapes: new Map(Array.from(stored, ([name, { shape }]) => [name, shape])),
    floats: floatsOf(new Set([...stored.values()].map(({ storedAs }) => storedAs))),
    read: async name => {
      const tensor = stored.get(name);
      if (!tensor) throw new DuetError('invalid-weights', `${file} has no tensor ${name}`);
      return loadStoredTensor(name, tensor);
    },
  };
}

/** Of 16 bits if all have the same ones; 8 bits fit into those of binary16. */
function floatsOf(stored: ReadonlySet<StoredDType>): StoredFloats {
  const wide = stored.has('F64') || stored.has('F32');
  if (wide || (stored.has('BF16') && (stored.has('F16') || stored.has('F8_E4M3') || stored.has('F8_E5M2'))))
    return 'F32';
  return stored.has('BF16') ? 'BF16' : 'F16';
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
