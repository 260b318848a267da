/**
 * The worker thread that owns ONNX Runtime: `session.run` blocks its thread for the whole run, and this is not the
 * thread that anybody else waits on. Tensors in a store live here between runs (weights given as values, training state).
 */
import { readFile } from 'node:fs/promises';
import { parentPort } from 'node:worker_threads';
import * as ort from 'onnxruntime';
import type { DType, HostTensor } from '../../core/host-tensor.ts';
import type { Envelope, Reply } from './protocol.ts';

interface Loaded {
  readonly session: ort.InferenceSession;
  readonly inputNames: ReadonlySet<string>;
}

const sessions = new Map<number, Loaded>();
const stores = new Map<number, Map<string, ort.Tensor>>();
/** Tensors that fell out of a store by feedback: the next run writes its outputs into their memory. */
const spares = new Map<number, Map<string, ort.Tensor>>();

function storeOf(id: number): Map<string, ort.Tensor> {
  const store = stores.get(id) ?? new Map<string, ort.Tensor>();
  stores.set(id, store);
  return store;
}

function toOrt({ dtype, shape, data }: HostTensor): ort.Tensor {
  return new ort.Tensor(dtype, data as Float32Array, [...shape]);
}

/** A copy in memory that may be transferred: ONNX Runtime's own buffers may not. */
function toHost(tensor: ort.Tensor): HostTensor {
  const data = (tensor.data as Float32Array).slice();
  return { dtype: tensor.type as DType, shape: [...tensor.dims], data };
}

async function load({
  session: id,
  modelFile,
  weightsFolder,
  threads,
}: Extract<Envelope, { kind: 'load' }>): Promise<void> {
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
        // Threads that wait give their core to the thread that samples: a quarter more throughput where calls are many.
        intra_op: { allow_spinning: '0' },
        ...(weightsFolder && { model_external_initializers_file_folder_path: weightsFolder }),
      },
    },
  };
  const session = await ort.InferenceSession.create(await readFile(modelFile), options);
  sessions.set(id, { session, inputNames: new Set(session.inputNames) });
}

async function run(request: Extract<Envelope, { kind: 'run' }>): Promise<Record<string, HostTensor>> {
  const loaded = sessions.get(request.session);
  if (!loaded) throw new Error(`Session ${request.session} is not loaded`);
  const store = storeOf(request.store);
  const spare = spares.get(request.store) ?? new Map<string, ort.Tensor>();
  spares.set(request.store, spare);
  const feeds: Record<string, ort.Tensor> = {};
  for (const [name, tensor] of store) if (loaded.inputNames.has(name)) feeds[name] = tensor;
  for (const [name, tensor] of Object.entries(request.feeds))
    if (loaded.inputNames.has(name)) feeds[name] = toOrt(tensor);
  const fetches: Record<string, ort.Tensor | null> = {};
  for (const name of request.fetches) fetches[name] = null;
  for (const [resident, output] of Object.entries(request.feedback)) fetches[output] = spare.get(resident) ?? null;
  const results = await loaded.session.run(feeds, fetches);
  for (const [resident, output] of Object.entries(request.feedback)) {
    spare.set(resident, store.get(resident)!);
    store.set(resident, results[output]!);
  }
  return Object.fromEntries(request.fetches.map(name => [name, toHost(results[name]!)]));
}

async function release({ sessions: ids, store }: Extract<Envelope, { kind: 'release' }>): Promise<void> {
  for (const id of ids) {
    await sessions.get(id)?.session.release();
    sessions.delete(id);
  }
  stores.delete(store);
  spares.delete(store);
}

async function answer(request: Envelope): Promise<Record<string, HostTensor>> {
  switch (request.kind) {
    case 'load':
      await load(request);
      return {};
    case 'put':
      for (const [name, tensor] of Object.entries(request.tensors)) storeOf(request.store).set(name, toOrt(tensor));
      return {};
    case 'get':
      return Object.fromEntries(request.names.map(name => [name, toHost(storeOf(request.store).get(name)!)]));
    case 'run':
      return run(request);
    case 'release':
      await release(request);
      return {};
  }
}

const port = parentPort;
if (!port) throw new Error('session-worker.ts must be started as a worker thread');

// Requests are answered one after the other, in order: a run must see the state that the one before it left.
let previous: Promise<void> = Promise.resolve();
port.on('message', (request: Envelope) => {
  previous = previous.then(async () => {
    try {
      const tensors = await answer(request);
      const reply: Reply = { id: request.id, tensors };
      port.postMessage(
        reply,
        Object.values(tensors).map(tensor => tensor.data.buffer as ArrayBuffer),
      );
    } catch (error) {
      const reply: Reply = { id: request.id, error: error instanceof Error ? error.message : String(error) };
      port.postMessage(reply);
    }
  });
});
