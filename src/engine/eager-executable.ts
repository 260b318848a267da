/** Devices `reference` and `tensorflow`: the same programs run op by op on a real tfjs backend. */

import { createRequire } from 'node:module';
import * as tf from '@tensorflow/tfjs';
import { DuetError } from '../core/errors.ts';
import { type DType, type HostTensor, isTensorSource, type TensorSource } from '../core/host-tensor.ts';
import { flattenTree, mapTree, type Tree } from '../core/tree.ts';
import { dimensionsOf } from './dimensions.ts';
import { readFileTensor } from './file-tensor.ts';
import { checkNextState, checkState } from './inputs.ts';
import { isTensor } from './is-tensor.ts';
import { EagerSequences } from './sequences/eager-sequences.ts';
import { assertNoSequences, extendRows, type SequenceRow, sequencesOf } from './sequences/extend-rows.ts';
import { checkAdded } from './sequences/sequence-memory.ts';
import type {
  CompileOptions,
  CompileSpec,
  Executable,
  ExtendOptions,
  Program,
  RunOptions,
  TensorRecord,
} from './types.ts';

/** tfjs backend names by device. */
const backends = { reference: 'cpu', tensorflow: 'tensorflow' } as const;

/**
 * Makes the tfjs backend of `device` available.
 * @throws DuetError `missing-dependency` if neither tfjs-node-gpu nor tfjs-node is installed.
 */
async function loadBackend(device: keyof typeof backends): Promise<string> {
  // The reference backend would print an advertisement for tfjs-node at its first use.
  tf.enableProdMode();
  if (device === 'reference') return backends.reference;
  for (const name of ['@tensorflow/tfjs-node-gpu', '@tensorflow/tfjs-node']) {
    if (!isInstalled(name)) continue;
    try {
      await import(name);
      return backends.tensorflow;
    } catch (error) {
      throw new DuetError('missing-dependency', `${name} is installed but does not load: ${(error as Error).message}`, {
        cause: error,
      });
    }
  }
  throw new DuetError(
    'missing-dependency',
    'Device "tensorflow" needs TensorFlow, which is not installed. Run "npm install @tensorflow/tfjs-node-gpu" (NVIDIA GPU) or "npm install @tensorflow/tfjs-node", or use device "cpu".',
  );
}

function isInstalled(packageName: string): boolean {
  try {
    createRequire(import.meta.url).resolve(packageName);
    return true;
  } catch {
    return false;
  }
}

export class EagerExecutable<P, S> implements Executable {
  readonly #program: Program<P, S>;
  readonly #spec: CompileSpec;
  readonly #name: string;
  readonly #backend: string;
  readonly #params: Tree<tf.Tensor>;
  #state: Tree<tf.Tensor>;
  #released = false;

  private constructor(
    program: Program<P, S>,
    spec: CompileSpec,
    name: string,
    backend: string,
    params: Tree<tf.Tensor>,
    state: Tree<tf.Tensor>,
  ) {
    this.#program = program;
    this.#spec = spec;
    this.#name = name;
    this.#backend = backend;
    this.#params = params;
    this.#state = state;
  }

  static async create<P, S>(
    program: Program<P, S>,
    spec: CompileSpec,
    options: CompileOptions,
  ): Promise<EagerExecutable<P, S>> {
    const backend = await loadBackend(options.device === 'tensorflow' ? 'tensorflow' : 'reference');
    const load = (tree: Tree<TensorSource>) =>
      mapTree(tree, isTensorSource, source => tf.keep(toTensor('data' in source ? source : readFileTensor(source))));
    const [params, state] = withBackend(backend, () => [load(spec.params ?? {}), load(spec.state ?? {})] as const);
    return new EagerExecutable(program, spec, options.name ?? 'program', backend, params, state);
  }

  async run(
    inputs: Readonly<Record<string, HostTensor>>,
    { signal }: RunOptions = {},
  ): Promise<Record<string, HostTensor>> {
    this.#assertLive();
    signal?.throwIfAborted();
    assertNoSequences(this.#name, this.#spec);
    dimensionsOf(this.#name, this.#spec, inputs);
    return this.#compute(
      inputs,
      () => ({}),
      (outputs, state) => {
        // Before the old state goes: an output may be a part of it.
        const results = Object.fromEntries(Object.entries(outputs).map(([name, tensor]) => [name, toHost(tensor)]));
        this.#replaceState((state ?? {}) as Tree<tf.Tensor>);
        return results;
      },
    );
  }

  /** Calls the program on `inputs` and `further` ones; `finish` takes what outlives the call. */
  #compute<R>(
    inputs: Readonly<Record<string, HostTensor>>,
    further: () => TensorRecord,
    finish: (outputs: TensorRecord, state: S | undefined) => R,
  ): R {
    return withBackend(this.#backend, () => {
      tf.engine().startScope(this.#name);
      try {
        const given = Object.entries(inputs).map(([name, tensor]) => [name, toTensor(tensor)]);
        const { outputs, state } = this.#program({
          params: this.#params as P,
          state: this.#state as S,
          inputs: { ...Object.fromEntries(given), ...further() },
        });
        return finish(outputs, state);
      } finally {
        tf.engine().endScope();
      }
    });
  }

  async extend(rows: readonly SequenceRow[], options: ExtendOptions = {}): Promise<Record<string, HostTensor>[]> {
    const { store, backend } = sequencesOf(this.#name, this.#spec, EagerSequences);
    return extendRows(store, rows, async ({ ids, lengths, inputs }) => {
      this.#assertLive();
      options.signal?.throwIfAborted();
      const known = { batch: ids.length, past: Math.max(...lengths) };
      dimensionsOf(this.#name, this.#spec, inputs, known);
      return this.#compute(
        { ...inputs },
        () => backend.gather(ids),
        outputs => {
          checkAdded(this.#name, store.layout, outputs);
          const added = Object.fromEntries(Object.keys(store.layout).map(name => [name, outputs[name]!]));
          const isWanted = (name: string) => !(name in added) && (options.outputs?.includes(name) ?? true);
          const others = Object.entries(outputs).filter(([name]) => isWanted(name));
          const results = Object.fromEntries(others.map(([name, tensor]) => [name, toHost(tensor)]));
          return { outputs: results, positions: backend.append(ids, added) };
        },
      );
    });
  }

  async readState(): Promise<Record<string, HostTensor>> {
    this.#assertLive();
    return withBackend(this.#backend, () => {
      const flat = flattenTree(this.#state, isTensor);
      return Object.fromEntries(Object.entries(flat).map(([name, tensor]) => [name, toHost(tensor)]));
    });
  }

  async writeState(state: Readonly<Record<string, HostTensor>>): Promise<void> {
    this.#assertLive();
    checkState(this.#stateSpec(), state);
    withBackend(this.#backend, () => {
      const written = mapTree(this.#state, isTensor, (_, name) => toTensor(state[name]!));
      this.#replaceState(written);
      for (const tensor of Object.values(flattenTree(written, isTensor))) tensor.dispose();
    });
  }

  async release(): Promise<void> {
    if (this.#released) return;
    this.#released = true;
    for (const tree of [this.#params, this.#state]) {
      for (const tensor of Object.values(flattenTree(tree, isTensor))) tensor.dispose();
    }
  }

  #stateSpec(): Record<string, { dtype: DType; shape: readonly number[] }> {
    return flattenTree(this.#spec.state ?? {}, isTensorSource);
  }

  /** Copies of `next` (same memory) outlive the run's scope, whatever else the program returned or keeps; the old state goes. */
  #replaceState(next: Tree<tf.Tensor>): void {
    checkNextState(this.#stateSpec(), flattenTree(next, isTensor));
    const old = Object.values(flattenTree(this.#state, isTensor));
    this.#state = mapTree(next, isTensor, tensor => tf.keep(tensor.clone()));
    for (const tensor of old) tensor.dispose();
  }

  #assertLive(): void {
    if (this.#released) throw new DuetError('released', `${this.#name} was released; compile it again to run it`);
  }
}

/** Runs `body` synchronously on a tfjs backend, whichever was active. */
function withBackend<R>(backend: string, body: () => R): R {
  const previous = tf.getBackend();
  if (previous !== backend) void tf.setBackend(backend);
  try {
    return body();
  } finally {
    if (previous && previous !== backend) void tf.setBackend(previous);
  }
}

function toTensor({ data, shape, dtype }: HostTensor): tf.Tensor {
  // A copy: tfjs keeps the array that it is given, and the caller may reuse it.
  return tf.tensor(data.slice(), [...shape], dtype);
}

function toHost(tensor: tf.Tensor): HostTensor {
  return { dtype: tensor.dtype as DType, shape: [...tensor.shape], data: tensor.dataSync<'float32'>().slice() };
}
