/**
 * A tfjs backend that computes nothing: every kernel call appends ONNX nodes to the graph being recorded.
 * tfjs's backends are global, so recording is one synchronous stretch: `record` switches to this backend, calls the
 * program and switches back before anything else can run.
 */
import * as tf from '@tensorflow/tfjs';
import { DuetError } from '../../core/errors.ts';
import type { DType } from '../../core/host-tensor.ts';
import { lowerings } from '../lowerings/index.ts';
import { GraphBuilder, type Value } from '../onnx/graph-builder.ts';

const backendName = 'duet-recorder';

interface Recorded {
  /** The value in `graph`; made at first use there for tensors that were written from the host. */
  value?: Value;
  /** A tensor from outside the program (a captured constant) outlives the graph that it was first used in. */
  graph?: GraphBuilder;
  /** Host values of constants: kept so that tfjs may read them back. */
  values?: tf.backend_util.BackendValues;
  refCount: number;
}

class RecordingBackend extends tf.KernelBackend {
  readonly #data: tf.DataStorage<Recorded>;
  graph = new GraphBuilder();

  constructor() {
    super();
    this.#data = new tf.DataStorage(this, tf.engine());
  }

  override write(values: tf.backend_util.BackendValues, _shape: number[], _dtype: tf.DataType): object {
    const dataId = {};
    this.#data.set(dataId, { values, refCount: 1 });
    return dataId;
  }

  /** A tensor of another backend is used while recording: its values become a constant. */
  override move(
    dataId: object,
    values: tf.backend_util.BackendValues,
    _shape: number[],
    _dtype: tf.DataType,
    refCount: number,
  ): void {
    this.#data.set(dataId, { values, refCount });
  }

  override readSync(dataId: object): tf.backend_util.BackendValues {
    const { values } = this.#data.get(dataId);
    if (values) return values;
    throw new DuetError(
      'recording-read',
      `${currentOp()} reads the values of a tensor while the program is being recorded, when there are none yet. ` +
        'Programs must be pure functions of tensors: compute with tensor ops, or pass the value in from the host.',
    );
  }

  override async read(dataId: object): Promise<tf.backend_util.BackendValues> {
    return this.readSync(dataId);
  }

  override numDataIds(): number {
    return this.#data.numDataIds();
  }

  override disposeData(dataId: object, force = false): boolean {
    if (!this.#data.has(dataId)) return true;
    const recorded = this.#data.get(dataId);
    recorded.refCount--;
    if (!force && recorded.refCount > 0) return false;
    this.#data.delete(dataId);
    return true;
  }

  override refCount(dataId: object): number {
    return this.#data.has(dataId) ? this.#data.get(dataId).refCount : 0;
  }

  override incRef(dataId: object): void {
    this.#data.get(dataId).refCount++;
  }

  override floatPrecision(): 32 {
    return 32;
  }

  override epsilon(): number {
    return 1e-7;
  }

  override dispose(): void {}

  /** The graph value behind a tensor; a host constant enters the graph here, at its first use. */
  graphValue({ dataId, shape, dtype }: tf.TensorInfo): Value {
    const recorded = this.#data.get(dataId);
    if (!recorded.value || recorded.graph !== this.graph) {
      const type = graphType(dtype);
      recorded.value = this.graph.constant(typedArray(recorded.values, type), shape, type);
      recorded.graph = this.graph;
    }
    const { value } = recorded;
    // tfjs shares data between tensors of different shapes (reshape without copy).
    return value.shape.length === shape.length && value.shape.every((d, i) => d === shape[i])
      ? value
      : this.graph.reshape(value, shape);
  }

  /** A tfjs tensor that stands for a graph value. */
  tensorOf(value: Value): tf.Tensor {
    return tf.engine().makeTensorFromTensorInfo(this.infoOf(value));
  }

  infoOf(value: Value): tf.TensorInfo {
    const { dtype } = value;
    if (dtype !== 'float32' && dtype !== 'int32' && dtype !== 'bool') {
      throw new TypeError(`A tfjs tensor cannot have type ${dtype}`);
    }
    const dataId = {};
    this.#data.set(dataId, { value, graph: this.graph, refCount: 1 });
    return { dataId, shape: [...value.shape], dtype };
  }
}

function graphType(dtype: tf.DataType): DType {
  if (dtype === 'float32' || dtype === 'int32' || dtype === 'bool') return dtype;
  throw new TypeError(`Tensors of type ${dtype} cannot be recorded; float32, int32 and bool can`);
}

function typedArray(
  values: tf.backend_util.BackendValues | undefined,
  dtype: DType,
): Float32Array | Int32Array | Uint8Array {
  if (!values) {
    throw new DuetError(
      'invalid-argument',
      'The program uses a tensor that another recording made. Programs must not keep tensors between calls.',
    );
  }
  const array = values as ArrayLike<number>;
  if (dtype === 'float32') return array instanceof Float32Array ? array : Float32Array.from(array);
  if (dtype === 'int32') return array instanceof Int32Array ? array : Int32Array.from(array);
  return array instanceof Uint8Array ? array : Uint8Array.from(array);
}

/** Name of the scope around a whole recording. */
const recordingScope = 'record';

/** The tfjs op that is running, for messages. tfjs names its scopes after ops, with a suffix. */
function currentOp(): string {
  const { state } = tf.engine() as unknown as { state: { activeScope?: { name?: string } } };
  const name = state.activeScope?.name?.replace(/__op$/, '');
  return name && name !== recordingScope ? `The op "${name}"` : 'The program';
}

function registerKernels(): void {
  const kernelFunc =
    (kernelName: string): tf.KernelFunc =>
    ({ inputs, attrs, backend }) => {
      const recorder = backend as RecordingBackend;
      const lowering = lowerings[kernelName];
      if (!lowering) {
        throw new DuetError(
          'unsupported-kernel',
          `${currentOp()} calls the tfjs kernel "${kernelName}", which has no ONNX lowering. ` +
            'Add one to the table in src/engine/lowerings/index.ts, or write the program with other ops.',
        );
      }
      const values: Record<string, Value> = {};
      for (const [name, info] of Object.entries(inputs)) {
        if (info) values[name] = recorder.graphValue(info);
      }
      const result = lowering({ graph: recorder.graph, inputs: values, attrs: attrs ?? {} });
      return Array.isArray(result) ? result.map(value => recorder.infoOf(value)) : recorder.infoOf(result);
    };
  // Kernels that only other backends know are registered too, so that a missing lowering is named by us.
  const known = new Set([
    ...Object.keys(lowerings),
    ...tf.getKernelsForBackend('cpu').map(({ kernelName }) => kernelName),
  ]);
  for (const kernelName of known) tf.registerKernel({ kernelName, backendName, kernelFunc: kernelFunc(kernelName) });
}

/** Runs `body` with tfjs switched to a fresh recording; restores the backend whatever happens. */
export function withRecorder<R>(body: (recorder: Pick<RecordingBackend, 'graph' | 'graphValue' | 'tensorOf'>) => R): R {
  if (!tf.findBackendFactory(backendName)) {
    tf.registerBackend(backendName, () => new RecordingBackend(), 0);
    registerKernels();
  }
  const previous = tf.getBackend() ?? 'cpu';
  // setBackend is asynchronous by type only: for a synchronous factory it is done when it returns.
  void tf.setBackend(backendName);
  try {
    const recorder = tf.backend() as RecordingBackend;
    recorder.graph = new GraphBuilder();
    tf.engine().startScope(recordingScope);
    return body(recorder);
  } finally {
    tf.engine().endScope();
    void tf.setBackend(previous);
  }
}
