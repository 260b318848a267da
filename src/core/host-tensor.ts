/** Tensors as plain data on the host: what crosses the borders of the engine, the samplers and the weight files. */

export type DType = 'float32' | 'int32' | 'bool';

/** A tensor in host memory, row-major. `bool` uses one byte per element. */
export interface HostTensor {
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly data: Float32Array | Int32Array | Uint8Array;
}

/** 16-bit floats that weights are stored as; each value is a float32 too. */
export type HalfFloat = 'float16' | 'bfloat16';

/** A tensor that lies in a file (a .safetensors file): raw little-endian bytes at `offset`. */
export interface FileTensor {
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly file: string;
  readonly offset: number;
  readonly byteLength: number;
  /** A float32 tensor whose bytes are half as wide. */
  readonly storedAs?: HalfFloat;
}

export type TensorSource = HostTensor | FileTensor;

/** The number of elements of `shape`; 1 for a scalar. */
export function sizeOf(shape: readonly number[]): number {
  return shape.reduce((product, dimension) => product * dimension, 1);
}

/** A float32 host tensor; checks that `data` fills `shape`. */
export function float32(shape: readonly number[], data: Float32Array): HostTensor {
  if (data.length !== sizeOf(shape)) {
    throw new RangeError(`A tensor of shape [${shape.join(', ')}] holds ${sizeOf(shape)} values, got ${data.length}`);
  }
  return { dtype: 'float32', shape, data };
}

export function isHostTensor(node: unknown): node is HostTensor {
  return isTensorSource(node) && 'data' in node;
}

export function isTensorSource(node: unknown): node is TensorSource {
  return typeof node === 'object' && node !== null && 'dtype' in node && 'shape' in node;
}
