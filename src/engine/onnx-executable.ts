/** Device `cpu`: programs recorded to ONNX and run by ONNX Runtime in the inference process. */
import { availableParallelism } from 'node:os';
import { dirname, resolve } from 'node:path';
import { DuetError } from '../core/errors.ts';
import { type FileTensor, type HostTensor, isTensorSource } from '../core/host-tensor.ts';
import { flattenTree } from '../core/tree.ts';
import { debugKinds } from './debug/debug-switch.ts';
import { dumpGraph } from './debug/graph-dump.ts';
import { type DimensionSizes, dimensionNames, dimensionsOf } from './dimensions.ts';
import { checkFiles } from './file-tensor.ts';
import { cacheGraph } from './graph-cache.ts';
import { checkState } from './inputs.ts';
import { toInt8 } from './recorder/int8.ts';
import { type Recording, residentName, residentsOf } from './recorder/record.ts';
import { Recordings } from './recorder/recordings.ts';
import { ProcessEnded } from './runtime/inference-process.ts';
import { addedPositions, type Request } from './runtime/protocol.ts';
import { sessionHost } from './runtime/session-host.ts';
import {
  assertNoSequences,
  extendRows,
  type Group,
  type GroupResult,
  type SequenceRow,
  sequencesOf,
  withSequenceInputs,
} from './sequences/extend-rows.ts';
import { ProcessSequences } from './sequences/process-sequences.ts';
import { checkAdded } from './sequences/sequence-memory.ts';
import type { CompileOptions, CompileSpec, Executable, ExtendOptions, Program, RunOptions } from './types.ts';

/** Restoring sequences must not take much more memory than extending them did. */
const mostJoined = 256;

/** A recording together with the session that runs it in one particular inference process. */
interface Bucket {
  readonly recording: Recording;
  readonly modelFile: string;
  session: { readonly id: number; readonly generation: number } | undefined;
}

export class OnnxExecutable<P, S> implements Executable {
  readonly #recordings: Recordings<P, S>;
  readonly #spec: CompileSpec;
  readonly #options: CompileOptions;
  readonly #weightsFolder: string | undefined;
  /** All share the store's weights. */
  readonly #buckets = new Map<Recording, Bucket>();
  readonly #store = sessionHost.newId();
  #preparing: Promise<unknown> = Promise.resolve();
  #storeGeneration = 0;
  #stateLost = false;
  #released = false;
  /** Extends sequences that another process held: one function, which identifies the program. */
  readonly #restore = (group: Group, signal: AbortSignal | undefined): Promise<unknown> =>
    this.#extendOnce('restore', group, { ...(signal && { signal }), outputs: [] });
  /** Positions that a call which restores sequences may add. */
  readonly #joinedPositions: number;

  constructor(program: Program<P, S>, spec: CompileSpec, options: CompileOptions) {
    this.#spec = spec;
    this.#options = options;
    this.#recordings = new Recordings(this.#name, program, withSequenceInputs(this.#name, spec));
    this.#weightsFolder = weightsFolderOf(spec);
    const { positions, dimensions } = spec;
    this.#joinedPositions = positions ? Math.min(dimensions?.[positions]?.max ?? mostJoined, mostJoined) : 0;
  }

  get #name(): string {
    return this.#options.name ?? 'program';
  }

  /** Records and loads the graph for `sizes`. */
  #prepare(sizes: DimensionSizes): Promise<Bucket> {
    // One after the other: calls at the same time must not record and load the same graph twice.
    const prepared = this.#preparing.then(() => this.#prepareNow(sizes));
    this.#preparing = prepared.catch(() => undefined);
    return prepared;
  }

  async #prepareNow(sizes: DimensionSizes): Promise<Bucket> {
    this.#assertLive();
    const bucket = await this.#bucketFor(this.#recordings.at(sizes));
    sessionHost.ensureProcess();
    const { generation } = sessionHost;
    await this.#fillStore(generation);
    if (bucket.session?.generation !== generation) {
      const id = sessionHost.newId();
      await checkFiles(mappedTensors(this.#spec));
      await sessionHost.send({
        kind: 'load',
        session: id,
        modelFile: bucket.modelFile,
        ...(this.#weightsFolder && { weightsFolder: this.#weightsFolder }),
        threads: this.#options.threads ?? availableParallelism(),
        hasNamedDimensions: dimensionNames(this.#spec.inputs).length > 0,
      });
      bucket.session = { id, generation };
    }
    return bucket;
  }

  async #bucketFor(recording: Recording): Promise<Bucket> {
    const known = this.#buckets.get(recording);
    if (known) return known;
    const model = this.#options.precision === 'int8' ? toInt8(recording.model) : recording.model;
    const modelFile = await cacheGraph(model);
    if (debugKinds().has('graphs')) await dumpGraph(model, modelFile);
    const bucket: Bucket = { recording, modelFile, session: undefined };
    this.#buckets.set(recording, bucket);
    return bucket;
  }

  /** Uploads weights given as values, and the initial state, to a process that does not have them. */
  async #fillStore(generation: number): Promise<void> {
    if (this.#storeGeneration === generation) return;
    if (this.#storeGeneration !== 0 && this.#spec.state) this.#stateLost = true;
    this.#storeGeneration = generation;
    await sessionHost.send({
      kind: 'put',
      store: this.#store,
      tensors: residentsOf(this.#spec),
      isState: this.#spec.state !== undefined,
    });
  }

  async run(
    inputs: Readonly<Record<string, HostTensor>>,
    { signal }: RunOptions = {},
  ): Promise<Record<string, HostTensor>> {
    signal?.throwIfAborted();
    assertNoSequences(this.#name, this.#spec);
    const sizes = dimensionsOf(this.#name, this.#spec, inputs);
    const isStateless = this.#spec.state === undefined;
    return repeatWhenEnded(isStateless, () => this.#runOnce(sizes, inputs, signal));
  }

  async extend(rows: readonly SequenceRow[], options: ExtendOptions = {}): Promise<Record<string, HostTensor>[]> {
    options.signal?.throwIfAborted();
    this.#assertLive();
    const { store, backend } = sequencesOf(this.#name, this.#spec, ProcessSequences);
    return extendRows(store, rows, group =>
      repeatWhenEnded(true, async () => {
        await backend.restore(group.ids, options.signal);
        const result = await this.#extendOnce('extend', group, options);
        backend.extended(group, { extend: this.#restore, joinedPositions: this.#joinedPositions });
        return result;
      }),
    );
  }

  async #extendOnce(
    kind: 'extend' | 'restore',
    { ids, lengths, inputs }: Group,
    { signal, outputs: wanted }: ExtendOptions,
  ): Promise<GroupResult> {
    const { store, backend: sequences } = sequencesOf(this.#name, this.#spec, ProcessSequences);
    const sizes = dimensionsOf(this.#name, this.#spec, inputs, { batch: ids.length, past: Math.max(...lengths) });
    const { recording, session } = await this.#prepare(sizes);
    checkAdded(this.#name, store.layout, recording.outputs);
    signal?.throwIfAborted();
    if (!sequences.areHeld(ids, session!.generation)) throw new ProcessEnded();
    const outputs = Object.entries(recording.outputs);
    const added = outputs.filter(([name]) => name in store.layout).map(([name, { value }]) => [name, value]);
    const others = outputs.filter(([name]) => !(name in store.layout) && (wanted?.includes(name) ?? true));
    const request: Request = {
      kind,
      session: session!.id,
      store: this.#store,
      memory: sequences.memory,
      operations: sequences.begin(ids),
      sequences: ids,
      tensors: graphInputs(inputs),
      fetches: others.map(([, { value }]) => value),
      added: Object.fromEntries(added),
      ceiling: sessionHost.sequenceCeiling,
    };
    const results = await sessionHost.send(request, signal).catch(error => {
      if (signal?.aborted) sequences.forget(ids);
      throw error;
    });
    return {
      outputs: Object.fromEntries(others.map(([name, { value }]) => [name, results[value]!])),
      positions: results[addedPositions]!.data[0]!,
    };
  }

  async #runOnce(
    sizes: DimensionSizes,
    inputs: Readonly<Record<string, HostTensor>>,
    signal: AbortSignal | undefined,
  ): Promise<Record<string, HostTensor>> {
    const { recording, session } = await this.#prepare(sizes);
    this.#assertState();
    signal?.throwIfAborted();
    if (!sessionHost.isAlive(session!.generation)) throw new ProcessEnded();
    const request: Request = {
      kind: 'run',
      session: session!.id,
      store: this.#store,
      tensors: graphInputs(inputs),
      fetches: Object.values(recording.outputs).map(output => output.value),
      feedback: recording.feedback,
    };
    const results = await sessionHost.send(request, signal);
    return Object.fromEntries(
      Object.entries(recording.outputs).map(([name, output]) => [name, results[output.value]!]),
    );
  }

  async readState(): Promise<Record<string, HostTensor>> {
    this.#assertLive();
    sessionHost.ensureProcess();
    await this.#fillStore(sessionHost.generation);
    this.#assertState();
    const names = Object.keys(flattenTree(this.#spec.state ?? {}, isTensorSource));
    const tensors = await sessionHost.send({ kind: 'get', store: this.#store, names: names.map(residentName.state) });
    return Object.fromEntries(names.map(name => [name, tensors[residentName.state(name)]!]));
  }

  async writeState(state: Readonly<Record<string, HostTensor>>): Promise<void> {
    this.#assertLive();
    sessionHost.ensureProcess();
    await this.#fillStore(sessionHost.generation);
    checkState(flattenTree(this.#spec.state ?? {}, isTensorSource), state);
    const tensors = Object.fromEntries(
      Object.entries(state).map(([name, tensor]) => [residentName.state(name), tensor]),
    );
    await sessionHost.send({ kind: 'put', store: this.#store, tensors, isState: true });
    this.#stateLost = false;
  }

  async release(): Promise<void> {
    if (this.#released) return;
    this.#released = true;
    const sessions = [...this.#buckets.values()].flatMap(({ session }) =>
      session?.generation === sessionHost.generation ? [session.id] : [],
    );
    this.#buckets.clear();
    // What a dead process held is gone with it.
    if (!sessionHost.isAlive(this.#storeGeneration)) return;
    try {
      await sessionHost.send({ kind: 'release', sessions, store: this.#store });
    } catch (error) {
      if (!DuetError.isInstance(error) || error.code !== 'worker-died') throw error;
    }
  }

  #assertState(): void {
    if (!this.#stateLost) return;
    throw new DuetError(
      'worker-died',
      `The state of ${this.#name} was lost with the inference process. Restore it with writeState (from a checkpoint) and go on.`,
    );
  }

  #assertLive(): void {
    if (this.#released) throw new DuetError('released', `${this.#name} was released; compile it again to run it`);
  }
}

/** Makes a call again when its process was ended on purpose (to interrupt another call, or because of its size). */
async function repeatWhenEnded<R>(isRepeatable: boolean, call: () => Promise<R>): Promise<R> {
  for (;;) {
    try {
      return await call();
    } catch (error) {
      if (!(error instanceof ProcessEnded) || !isRepeatable) throw error;
    }
  }
}

function graphInputs(inputs: Readonly<Record<string, HostTensor>>): Record<string, HostTensor> {
  return Object.fromEntries(Object.entries(inputs).map(([name, tensor]) => [`inputs/${name}`, tensor]));
}

function mappedTensors(spec: CompileSpec): FileTensor[] {
  return Object.values(flattenTree(spec.params ?? {}, isTensorSource)).filter(source => 'file' in source);
}

/** ONNX Runtime maps external data from one folder. */
function weightsFolderOf(spec: CompileSpec): string | undefined {
  const folders = new Set(mappedTensors(spec).map(({ file }) => dirname(resolve(file))));
  if (folders.size > 1) {
    throw new DuetError(
      'invalid-argument',
      `Weights of one program must lie in one folder, got ${[...folders].join(' and ')}`,
    );
  }
  return [...folders][0];
}
