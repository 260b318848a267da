/**
 * The header of a .safetensors file: an 8-byte little-endian length, then JSON that gives every tensor's type, shape
 * and place. Everything is checked here, before a byte of tensor data is read or memory for it reserved, because
 * weight files come from strangers. The rules are those of the safetensors format: no holes, no overlaps, no slack.
 */
import { DuetError } from '../core/errors.ts';
import { sizeOf } from '../core/host-tensor.ts';

/** Bytes per element of the types that can be read. */
const storedBytes = {
  F64: 8,
  F32: 4,
  F16: 2,
  BF16: 2,
  F8_E4M3: 1,
  F8_E5M2: 1,
  I64: 8,
  I32: 4,
  I16: 2,
  I8: 1,
  U64: 8,
  U32: 4,
  U16: 2,
  U8: 1,
  BOOL: 1,
} as const;

export type StoredDType = keyof typeof storedBytes;

/** One tensor of a file as its header describes it; `offset` counts from the start of the file. */
export interface StoredTensor {
  readonly storedAs: StoredDType;
  readonly shape: readonly number[];
  readonly file: string;
  readonly offset: number;
  readonly byteLength: number;
}

export interface SafetensorsHeader {
  readonly file: string;
  readonly metadata: Readonly<Record<string, string>>;
  readonly tensors: Readonly<Record<string, StoredTensor>>;
}

/** The format's own limit for the JSON, in bytes. */
const maxHeaderBytes = 100_000_000;
export const lengthBytes = 8;

export function bytesPerElement(dtype: StoredDType): number {
  return storedBytes[dtype];
}

export function invalidWeights(file: string, problem: string, cause?: unknown): DuetError {
  return new DuetError(
    'invalid-weights',
    `${file} is not a usable .safetensors file: ${problem}. Fetch or save the file again.`,
    { cause },
  );
}

/** The JSON's length from the first 8 bytes of a file of `fileBytes`. */
export function parseHeaderLength(prefix: Uint8Array, file: string, fileBytes: number): number {
  if (fileBytes < lengthBytes) throw invalidWeights(file, `it has ${fileBytes} bytes, too few for a header`);
  const length = new DataView(prefix.buffer, prefix.byteOffset).getBigUint64(0, true);
  if (length > BigInt(maxHeaderBytes)) {
    const looksLikeText = prefix.every(byte => byte >= 0x20 && byte < 0x7f);
    const hint = looksLikeText ? '; it looks like a text file (an error page or a Git LFS pointer)' : '';
    throw invalidWeights(file, `its header claims ${length} bytes, at most ${maxHeaderBytes} are allowed${hint}`);
  }
  if (length < 2n) throw invalidWeights(file, `its header claims ${length} bytes, which holds no JSON object`);
  if (length > BigInt(fileBytes - lengthBytes)) {
    throw invalidWeights(file, `its header claims ${length} bytes but the file ends after ${fileBytes} bytes`);
  }
  return Number(length);
}

/** Parses and checks the JSON `bytes` of a file of `fileBytes`. */
export function parseHeader(bytes: Uint8Array, file: string, fileBytes: number): SafetensorsHeader {
  const json = parseJsonObject(bytes, file);
  const dataStart = lengthBytes + bytes.length;
  const metadata = parseMetadata(json['__metadata__'], file);
  const names = Object.keys(json).filter(name => name !== '__metadata__');
  const tensors = names.map(name => [name, parseEntry(name, json[name], file, dataStart)] as const);
  checkCoverage(tensors, file, dataStart, fileBytes);
  return { file, metadata, tensors: Object.fromEntries(tensors) };
}

function parseJsonObject(bytes: Uint8Array, file: string): Record<string, unknown> {
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (error) {
    throw invalidWeights(file, 'its header is not valid UTF-8 JSON', error);
  }
  if (!isObject(json)) throw invalidWeights(file, 'its header is not a JSON object');
  return json;
}

function parseMetadata(value: unknown, file: string): Record<string, string> {
  if (value === undefined) return {};
  if (!isObject(value)) throw invalidWeights(file, '__metadata__ is not an object');
  const entries = Object.entries(value).map(([key, text]) => {
    if (typeof text !== 'string') throw invalidWeights(file, `__metadata__ "${key}" is not a string`);
    return [key, text] as const;
  });
  return Object.fromEntries(entries);
}

function parseEntry(name: string, entry: unknown, file: string, dataStart: number): StoredTensor {
  const where = `tensor ${JSON.stringify(name.slice(0, 200))}`;
  if (!isObject(entry)) throw invalidWeights(file, `${where} is not described by an object`);
  const { dtype, shape, data_offsets: offsets } = entry;
  if (typeof dtype !== 'string' || !Object.hasOwn(storedBytes, dtype)) {
    const allowed = Object.keys(storedBytes).join(', ');
    throw invalidWeights(file, `${where} has the type ${JSON.stringify(dtype)}; known types are ${allowed}`);
  }
  if (!Array.isArray(shape) || !shape.every(isCount)) {
    throw invalidWeights(file, `${where} has the shape ${JSON.stringify(shape)} instead of a list of whole numbers`);
  }
  if (!Array.isArray(offsets) || offsets.length !== 2 || !offsets.every(isCount)) {
    throw invalidWeights(file, `${where} has the offsets ${JSON.stringify(offsets)} instead of [begin, end]`);
  }
  const [begin, end] = offsets as [number, number];
  const storedAs = dtype as StoredDType;
  const needed = sizeOf(shape) * storedBytes[storedAs];
  if (end < begin || !Number.isSafeInteger(needed) || needed !== end - begin) {
    throw invalidWeights(
      file,
      `${where} of type ${dtype} and shape [${shape}] needs ${needed} bytes, its offsets give ${end - begin}`,
    );
  }
  return { storedAs, shape: [...shape], file, offset: dataStart + begin, byteLength: needed };
}

/** Tensors must follow each other without gaps or overlaps and end where the file ends. */
function checkCoverage(
  tensors: readonly (readonly [string, StoredTensor])[],
  file: string,
  dataStart: number,
  fileBytes: number,
): void {
  const inOrder = [...tensors].sort(([, a], [, b]) => a.offset - b.offset || a.byteLength - b.byteLength);
  let end = dataStart;
  for (const [name, tensor] of inOrder) {
    if (tensor.offset !== end) {
      const fault = tensor.offset < end ? 'overlaps the tensor before it' : 'leaves bytes before it unused';
      throw invalidWeights(file, `tensor ${JSON.stringify(name.slice(0, 200))} ${fault}`);
    }
    end += tensor.byteLength;
  }
  if (end > fileBytes) throw invalidWeights(file, `its tensors need ${end} bytes, the file has ${fileBytes}`);
  if (end < fileBytes) throw invalidWeights(file, `${fileBytes - end} bytes follow its last tensor`);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}
