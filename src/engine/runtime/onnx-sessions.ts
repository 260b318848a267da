/**
 * What the inference process does with ONNX Runtime: sessions, the tensors in stores that live here between runs (weights given
 * as values, training state), and sequences.
 */
import { readFile } from 'node:fs/promises';
import * as ort from 'onnxruntime';
import type { DType, HostTensor } from '../../core/host-tensor.ts';
import { debugKinds } from '../debug/debug-switch.ts';
import { SessionProfile } from '../debug/node-times.ts';
import { addedPositions, type Request, type Tensors } from './protocol.ts';
import { closeMemory, memoryOf, openMemory, setCeiling } from './sequence-memories.ts';

type RequestOf<K extends Request['kind']> = Extract<Request, { kind: K }>;

interface Loaded {
  readonly session: ort.InferenceSession;
  readonly inputNames: ReadonlySet<string>;
  readonly profile: SessionProfile | undefined;
}

const sessions = new Map<number, Loaded>();
const stores = new Map<number, Map<string, ort.Tensor>>();
/** Tensors that fell out of a store by feedback: the next run writes its outputs into their memory. */
const spares = new Map<number, Map<string, ort.Tensor>>();

/** Does what `request` asks for and returns the tensors that answer it; if nobody needs those, only what later requests build on. */
export async function perform(request: Request, isNeeded: boolean): Promise<Tensors> {
  if (request.kind === 'extend' || request.kind === 'restore') memoryOf(request.memory).apply(request.operations);
  return isNeeded ? answer(request) : {};
}

async function answer(request: Request): Promise<Tensors> {
  switch (request.kind) {
    case 'load':
      await load(request);
      return {};
    case 'put':
      for (const [name, tensor] of Object.entries(request.tensors)) storeOf(request.store).set(name, toOrt(tensor));
      return {};
    case 'get':
      return Object.fromEntries(request.names.map(name => [name, copyOf(storeOf(request.store).get(name)!)]));
    case 'run':
      return run(request);
    case 'release':
      await release(request);
      return {};
    case 'open-sequences':
      openMemory(request.memory, request.layout, request.maxBytes);
      return {};
    case 'extend':
    case 'restore':
      return extend(request);
    case 'update-sequences':
      memoryOf(request.memory).apply(request.operations);
      return {};
    case 'close-sequences':
      closeMemory(request.memory);
      return {};
  }
}

async function load({
  session: id,
  modelFile,
  weightsFolder,
  threads,
  hasNamedDimensions,
}: RequestOf<'load'>): Promise<void> {
  const profile = debugKinds().has('times') ? await SessionProfile.create(modelFile, id) : undefined;
  const options: ort.InferenceSession.SessionOptions = {
    ...profile?.options,
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
    graphOptimizationLevel: 'all',
    // A memory pattern is one block for all values of a run. Blocks of ever new sizes fragment the arena, which grew from 230 to
    // 300 MiB in ten equal bursts and does not grow without.
    enableMemPattern: !hasNamedDimensions,
    logSeverityLevel: 3,
    extra: {
      // This fusion reads shapes that graphs with a symbolic batch do not have, and crashes the process (ONNX Runtime 1.30).
      optimization: { disable_specified_optimizers: 'SkipLayerNormFusion' },
      session: {
        // Moments of weights that no gradient reaches decay into denormals, which cost a hundred times a normal number.
        set_denormal_as_zero: '1',
        // Kernels follow one another within microseconds, and to wake a sleeping thread for each takes longer than to let it
        // spin that long. Between runs threads sleep: their core is for the process that samples.
        force_spinning_stop: '1',
        intra_op: { spin_duration_us: '30' },
        ...(weightsFolder && { model_external_initializers_file_folder_path: weightsFolder }),
      },
    },
  };
  const session = await ort.InferenceSession.create(await readFile(modelFile), options);
  sessions.set(id, { session, inputNames: new Set(session.inputNames), profile });
}

async function run(request: RequestOf<'run'>): Promise<Tensors> {
  const loaded = sessionOf(request.session);
  const store = storeOf(request.store);
  const spare = spares.get(request.store) ?? new Map<string, ort.Tensor>();
  spares.set(request.store, spare);
  const feeds = feedsOf(loaded, store, request.tensors);
  const fetches: Record<string, ort.Tensor | null> = {};
  for (const name of request.fetches) fetches[name] = null;
  for (const [resident, output] of Object.entries(request.feedback)) fetches[output] = spare.get(resident) ?? null;
  const results = await loaded.session.run(feeds, fetches);
  for (const [resident, output] of Object.entries(request.feedback)) {
    spare.set(resident, store.get(resident)!);
    store.set(resident, results[output]!);
  }
  const resident = new Set(Object.values(request.feedback));
  // What stays in the store may be written over before the reply has left; everything else is this reply's alone.
  return Object.fromEntries(
    request.fetches.map(name => [name, resident.has(name) ? copyOf(results[name]!) : toHost(results[name]!)]),
  );
}

async function extend(request: RequestOf<'extend' | 'restore'>): Promise<Tensors> {
  setCeiling(request.ceiling);
  const loaded = sessionOf(request.session);
  const memory = memoryOf(request.memory);
  const past = Object.entries(memory.gather(request.sequences)).map(([name, tensor]) => [`inputs/${name}`, tensor]);
  const feeds = feedsOf(loaded, storeOf(request.store), { ...request.tensors, ...Object.fromEntries(past) });
  const results = await loaded.session.run(feeds, [...request.fetches, ...Object.values(request.added)]);
  const added = Object.entries(request.added).map(([name, output]) => [name, toHost(results[output]!)] as const);
  const positions = memory.append(request.sequences, Object.fromEntries(added));
  return {
    ...Object.fromEntries(request.fetches.map(name => [name, toHost(results[name]!)])),
    [addedPositions]: { dtype: 'int32', shape: [], data: Int32Array.of(positions) },
  };
}

async function release({ sessions: ids, store }: RequestOf<'release'>): Promise<void> {
  for (const id of ids) {
    const loaded = sessions.get(id);
    sessions.delete(id);
    if (loaded) await end(loaded);
  }
  stores.delete(store);
  spares.delete(store);
}

async function end({ session, profile }: Loaded): Promise<void> {
  try {
    await profile?.finish(session);
  } finally {
    await session.release();
  }
}

/** Writes the profiles of the sessions that nobody released, if `DUET_DEBUG` asks for them. */
export async function finishProfiles(): Promise<void> {
  for (const { session, profile } of sessions.values()) await profile?.finish(session);
}

/** Those of the store's and the request's tensors that the session takes. */
function feedsOf(
  { inputNames }: Loaded,
  store: ReadonlyMap<string, ort.Tensor>,
  tensors: Tensors,
): Record<string, ort.Tensor> {
  const given = Object.entries(tensors).map(([name, tensor]) => [name, toOrt(tensor)] as const);
  return Object.fromEntries([...store, ...given].filter(([name]) => inputNames.has(name)));
}

function sessionOf(id: number): Loaded {
  const loaded = sessions.get(id);
  if (!loaded) throw new Error(`Session ${id} is not loaded`);
  return loaded;
}

function storeOf(id: number): Map<string, ort.Tensor> {
  const store = stores.get(id) ?? new Map<string, ort.Tensor>();
  stores.set(id, store);
  return store;
}

function toOrt({ dtype, shape, data }: HostTensor): ort.Tensor {
  return new ort.Tensor(dtype, data as Float32Array, [...shape]);
}

/** The tensor's own memory. */
function toHost(tensor: ort.Tensor): HostTensor {
  return { dtype: tensor.type as DType, shape: [...tensor.dims], data: tensor.data as Float32Array };
}

function copyOf(tensor: ort.Tensor): HostTensor {
  const { data, ...rest } = toHost(tensor);
  return { ...rest, data: data.slice() };
}
