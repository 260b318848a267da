/**
 * What the inference process does with ONNX Runtime: sessions, and the tensors in stores that live here between runs
 * (weights given as values, training state).
 */
import { readFile } from 'node:fs/promises';
import * as ort from 'onnxruntime';
import type { DType, HostTensor } from '../../core/host-tensor.ts';
import type { Request, Tensors } from './protocol.ts';

type RequestOf<K extends Request['kind']> = Extract<Request, { kind: K }>;

interface Loaded {
  readonly session: ort.InferenceSession;
  readonly inputNames: ReadonlySet<string>;
}

const sessions = new Map<number, Loaded>();
const stores = new Map<number, Map<string, ort.Tensor>>();
/** Tensors that fell out of a store by feedback: the next run writes its outputs into their memory. */
const spares = new Map<number, Map<string, ort.Tensor>>();

/** Does what `request` asks for and returns the tensors that answer it. */
export async function perform(request: Request): Promise<Tensors> {
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
  }
}

async function load({ session: id, modelFile, weightsFolder, threads }: RequestOf<'load'>): Promise<void> {
  const options: ort.InferenceSession.SessionOptions = {
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
    graphOptimizationLevel: 'all',
    logSeverityLevel: 3,
    extra: {
      // This fusion reads shapes that graphs with a symbolic batch do not have, and crashes the process (ONNX Runtime 1.30).
      optimization: { disable_specified_optimizers: 'SkipLayerNormFusion' },
      session: {
        // Moments of weights that no gradient reaches decay into denormals, which cost a hundred times a normal number.
        set_denormal_as_zero: '1',
        // Threads that wait give their core to the process that samples: a quarter more throughput where calls are many.
        intra_op: { allow_spinning: '0' },
        ...(weightsFolder && { model_external_initializers_file_folder_path: weightsFolder }),
      },
    },
  };
  const session = await ort.InferenceSession.create(await readFile(modelFile), options);
  sessions.set(id, { session, inputNames: new Set(session.inputNames) });
}

async function run(request: RequestOf<'run'>): Promise<Tensors> {
  const loaded = sessions.get(request.session);
  if (!loaded) throw new Error(`Session ${request.session} is not loaded`);
  const store = storeOf(request.store);
  const spare = spares.get(request.store) ?? new Map<string, ort.Tensor>();
  spares.set(request.store, spare);
  const feeds: Record<string, ort.Tensor> = {};
  for (const [name, tensor] of store) if (loaded.inputNames.has(name)) feeds[name] = tensor;
  for (const [name, tensor] of Object.entries(request.tensors))
    if (loaded.inputNames.has(name)) feeds[name] = toOrt(tensor);
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

async function release({ sessions: ids, store }: RequestOf<'release'>): Promise<void> {
  for (const id of ids) {
    await sessions.get(id)?.session.release();
    sessions.delete(id);
  }
  stores.delete(store);
  spares.delete(store);
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
