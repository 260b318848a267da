/**
 * Reading .safetensors: Duet's only weight format (header: safetensors-header.ts, writing: write-safetensors.ts).
 * Small floats become float32 and integers int32 on load; floats of 16 and 32 bits, int32 and bool can stay in the
 * file and be mapped by the engine.
 */
import { type FileHandle, open, realpath } from 'node:fs/promises';
import { DuetError } from '../core/errors.ts';
import { bfloatToFloat, float8ToFloat, halfToFloat } from '../core/float-formats.ts';
import type { FileTensor, HostTensor, TensorSource } from '../core/host-tensor.ts';
import {
  bytesPerElement,
  invalidWeights,
  lengthBytes,
  parseHeader,
  parseHeaderLength,
  type SafetensorsHeader,
  type StoredDType,
  type StoredTensor,
} from './safetensors-header.ts';

/** Tensors of one file by name. */
export interface WeightFile<T extends TensorSource = TensorSource> {
  readonly metadata: Readonly<Record<string, string>>;
  readonly tensors: Readonly<Record<string, T>>;
}

/** A file whose tensors may lie in it. */
export interface OpenWeightFile extends WeightFile {
  readonly header: SafetensorsHeader;
}

/** Reads and checks the header only. Throws DuetError 'invalid-weights' for a broken or hostile file. */
export async function readSafetensorsHeader(file: string): Promise<SafetensorsHeader> {
  return withFile(file, handle => readHeader(handle, file));
}

/** Loads every tensor into memory as float32, int32 or bool. */
export async function loadSafetensors(file: string): Promise<WeightFile<HostTensor>> {
  return withFile(file, async handle => {
    const header = await readHeader(handle, file);
    const tensors: [string, HostTensor][] = [];
    for (const [name, stored] of Object.entries(header.tensors)) {
      tensors.push([name, await loadTensor(handle, name, stored)]);
    }
    return { metadata: header.metadata, tensors: Object.fromEntries(tensors) };
  });
}

/** Like `loadSafetensors`, but tensors stored as floats of 16 or 32 bits, int32 or bool stay in the file as `FileTensor`s. */
export async function openSafetensors(file: string): Promise<OpenWeightFile> {
  return withFile(file, async handle => {
    // ONNX Runtime maps no file through a link that leads out of its folder, as those of Hugging Face's cache do.
    const header = await readHeader(handle, await realpath(file));
    const tensors: [string, TensorSource][] = [];
    for (const [name, stored] of Object.entries(header.tensors)) {
      tensors.push([name, mapped(stored) ?? (await loadTensor(handle, name, stored))]);
    }
    return { header, metadata: header.metadata, tensors: Object.fromEntries(tensors) };
  });
}

/** One tensor of a file whose header was read before, in memory as float32, int32 or bool. */
export async function loadStoredTensor(name: string, stored: StoredTensor): Promise<HostTensor> {
  return withFile(stored.file, handle => loadTensor(handle, name, stored));
}

async function withFile<T>(file: string, use: (handle: FileHandle) => Promise<T>): Promise<T> {
  let handle: FileHandle;
  try {
    handle = await open(file, 'r');
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new DuetError('invalid-weights', `Cannot open the weight file ${file}: ${reason}`, { cause: error });
  }
  try {
    return await use(handle);
  } finally {
    await handle.close();
  }
}

async function readHeader(handle: FileHandle, file: string): Promise<SafetensorsHeader> {
  const stats = await handle.stat();
  if (!stats.isFile()) throw invalidWeights(file, 'it is not a regular file');
  const prefix = await readRange(handle, file, 0, Math.min(lengthBytes, stats.size));
  const length = parseHeaderLength(prefix, file, stats.size);
  return parseHeader(await readRange(handle, file, lengthBytes, length), file, stats.size);
}

async function readRange(handle: FileHandle, file: string, offset: number, byteLength: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(byteLength);
  let done = 0;
  while (done < byteLength) {
    const { bytesRead } = await handle.read(bytes, done, byteLength - done, offset + done);
    if (bytesRead === 0) throw invalidWeights(file, `it ends after ${offset + done} bytes while being read`);
    done += bytesRead;
  }
  return bytes;
}

const mappable: Partial<Record<StoredDType, Pick<FileTensor, 'dtype' | 'storedAs'>>> = {
  F32: { dtype: 'float32' },
  F16: { dtype: 'float32', storedAs: 'float16' },
  BF16: { dtype: 'float32', storedAs: 'bfloat16' },
  I32: { dtype: 'int32' },
  BOOL: { dtype: 'bool' },
};

/** The tensor where it lies, unless its type must be changed or it is not aligned. */
function mapped({ storedAs, shape, file, offset, byteLength }: StoredTensor): FileTensor | undefined {
  const types = mappable[storedAs];
  if (!types || offset % bytesPerElement(storedAs) !== 0) return undefined;
  return { ...types, shape, file, offset, byteLength };
}

async function loadTensor(handle: FileHandle, name: string, stored: StoredTensor): Promise<HostTensor> {
  const { buffer } = await readRange(handle, stored.file, stored.offset, stored.byteLength);
  const { shape } = stored;
  const float = (data: Float32Array): HostTensor => ({ dtype: 'float32', shape, data });
  const int = (data: Int32Array): HostTensor => ({ dtype: 'int32', shape, data });
  const decoders: Record<StoredDType, () => HostTensor> = {
    F64: () => float(Float32Array.from(new Float64Array(buffer))),
    F32: () => float(new Float32Array(buffer)),
    F16: () => float(halfToFloat(new Uint16Array(buffer))),
    BF16: () => float(bfloatToFloat(new Uint16Array(buffer))),
    F8_E4M3: () => float(float8ToFloat(new Uint8Array(buffer), 'E4M3')),
    F8_E5M2: () => float(float8ToFloat(new Uint8Array(buffer), 'E5M2')),
    I64: () => int(toInt32(new BigInt64Array(buffer), name, stored)),
    I32: () => int(new Int32Array(buffer)),
    I16: () => int(Int32Array.from(new Int16Array(buffer))),
    I8: () => int(Int32Array.from(new Int8Array(buffer))),
    U64: () => int(toInt32(new BigUint64Array(buffer), name, stored)),
    U32: () => int(toInt32(new Uint32Array(buffer), name, stored)),
    U16: () => int(Int32Array.from(new Uint16Array(buffer))),
    U8: () => int(Int32Array.from(new Uint8Array(buffer))),
    BOOL: () => ({ dtype: 'bool', shape, data: new Uint8Array(buffer).map(byte => (byte === 0 ? 0 : 1)) }),
  };
  return decoders[stored.storedAs]();
}

function toInt32(values: BigInt64Array | BigUint64Array | Uint32Array, name: string, stored: StoredTensor): Int32Array {
  return Int32Array.from(values as ArrayLike<number | bigint>, value => {
    const small = Number(value);
    if (small !== (small | 0)) {
      throw invalidWeights(stored.file, `tensor ${JSON.stringify(name)} holds ${value}, which does not fit int32`);
    }
    return small;
  });
}
