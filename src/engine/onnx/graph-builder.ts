/** Collects ONNX nodes and constants while a program is being recorded. */
import { type DType, type HalfFloat, sizeOf } from '../../core/host-tensor.ts';
import {
  type AttributeValue,
  type OnnxInitializer,
  type OnnxNode,
  type OnnxType,
  type OnnxValueInfo,
  typeCodes,
} from './model.ts';

/** A tensor of the graph under construction. */
export interface Value {
  readonly name: string;
  readonly shape: readonly number[];
  readonly dtype: OnnxType;
}

export interface EmitOptions {
  readonly domain?: 'com.microsoft';
  readonly attributes?: Readonly<Record<string, AttributeValue>>;
}

export class GraphBuilder {
  readonly nodes: OnnxNode[] = [];
  /** The outputs of all nodes, in order. */
  readonly values: OnnxValueInfo[] = [];
  readonly #initializers = new Map<string, OnnxInitializer>();
  /** Tensors of files in half precision, by the names of what they are widened to. */
  readonly #stored = new Map<string, Value>();
  /** Small constants by content, so that equal ones are stored once. */
  readonly #constants = new Map<string, Value>();
  #counter = 0;

  get initializers(): OnnxInitializer[] {
    return [...this.#initializers.values()];
  }

  /** Adds a node with one output of the given shape. Absent optional inputs are `undefined`. */
  emit(
    opType: string,
    inputs: readonly (Value | undefined)[],
    shape: readonly number[],
    dtype: OnnxType,
    options: EmitOptions = {},
  ): Value {
    return this.emitMany(opType, inputs, [{ shape, dtype }], options)[0]!;
  }

  /** Adds a node with several outputs. */
  emitMany(
    opType: string,
    inputs: readonly (Value | undefined)[],
    outputs: readonly { shape: readonly number[]; dtype: OnnxType }[],
    { domain, attributes }: EmitOptions = {},
  ): Value[] {
    const name = `${opType}_${this.#counter++}`;
    const values = outputs.map(({ shape, dtype }, index) => ({ name: `${name}:${index}`, shape: [...shape], dtype }));
    this.values.push(...values.map(({ name, shape, dtype }) => ({ name, type: dtype, shape })));
    this.nodes.push({
      opType,
      domain: domain ?? '',
      name,
      inputs: inputs.map(input => input?.name ?? ''),
      outputs: values.map(value => value.name),
      attributes: attributes ?? {},
    });
    return values;
  }

  /** A constant with the given content. Uniform large ones become one `Expand` of a scalar. */
  constant(
    data: Float32Array | Int32Array | Uint8Array | BigInt64Array,
    shape: readonly number[],
    dtype: OnnxType,
  ): Value {
    if (data.length > 16 && isUniform(data)) {
      const scalar = this.constant(data.slice(0, 1), [], dtype);
      return this.emit('Expand', [scalar, this.ints(shape)], shape, dtype);
    }
    const bytes = new Uint8Array(data.buffer.slice(data.byteOffset, data.byteOffset + data.byteLength));
    const key = bytes.length <= 256 ? `${dtype}[${shape.join()}]${bytes.join()}` : undefined;
    const known = key === undefined ? undefined : this.#constants.get(key);
    if (known) return known;
    const value = { name: `constant_${this.#initializers.size}`, shape: [...shape], dtype };
    this.#initializers.set(value.name, { name: value.name, type: dtype, shape: value.shape, data: bytes });
    if (key !== undefined) this.#constants.set(key, value);
    return value;
  }

  /** A one-dimensional int64 constant: shapes, axes, starts, pads. */
  ints(values: readonly number[]): Value {
    return this.constant(BigInt64Array.from(values, BigInt), [values.length], 'int64');
  }

  /** A scalar constant of a graph type. */
  scalar(value: number, dtype: DType = 'float32'): Value {
    const data =
      dtype === 'float32' ? Float32Array.of(value) : dtype === 'int32' ? Int32Array.of(value) : Uint8Array.of(value);
    return this.constant(data, [], dtype);
  }

  /** A tensor that lies in a file beside the model. One stored in half precision is widened once, when the graph is loaded. */
  external(
    name: string,
    shape: readonly number[],
    dtype: DType,
    { storedAs, ...region }: { location: string; offset: number; byteLength: number; storedAs?: HalfFloat | undefined },
  ): Value {
    const stored: Value = { name, shape, dtype: storedAs ?? dtype };
    this.#initializers.set(name, { name, type: stored.dtype, shape, data: region });
    const wide = this.cast(stored, dtype);
    if (storedAs) this.#stored.set(wide.name, stored);
    return wide;
  }

  /** The tensor of a file that `x` is, before it was widened: for what takes little of it, so that it need not be widened whole. */
  storedOf(x: Value): Value {
    return this.#stored.get(x.name) ?? x;
  }

  reshape(x: Value, shape: readonly number[]): Value {
    if (sameShape(x.shape, shape)) return x;
    if (sizeOf(x.shape) !== sizeOf(shape)) {
      throw new RangeError(`Cannot reshape [${x.shape.join(', ')}] to [${shape.join(', ')}]`);
    }
    return this.emit('Reshape', [x, this.ints(shape)], shape, x.dtype, { attributes: { allowzero: 1 } });
  }

  transpose(x: Value, permutation: readonly number[]): Value {
    if (permutation.every((axis, index) => axis === index)) return x;
    const shape = permutation.map(axis => x.shape[axis]!);
    return this.emit('Transpose', [x], shape, x.dtype, { attributes: { perm: permutation } });
  }

  cast(x: Value, dtype: OnnxType): Value {
    if (x.dtype === dtype) return x;
    return this.emit('Cast', [x], x.shape, dtype, { attributes: { to: typeCodes[dtype] } });
  }
}

export function sameShape(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((dimension, index) => dimension === b[index]);
}

function isUniform(data: Float32Array | Int32Array | Uint8Array | BigInt64Array): boolean {
  const first = data[0];
  return (
    (data as ArrayLike<unknown> & Iterable<unknown>).length > 0 &&
    Array.prototype.every.call(data, value => Object.is(value, first))
  );
}
