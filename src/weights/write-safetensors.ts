/**
 * Writing .safetensors. The header is known before the first tensor comes, so the tensors may come one by one, in any
 * order, and only one of them is in memory. Files are written beside their final name and renamed: a crash, an error or
 * an abort never leaves half a file under the final name, and what a killed process left beside it is removed by the
 * next write of the same file.
 */
import { type FileHandle, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { DuetError } from '../core/errors.ts';
import { floatToBfloat, floatToHalf } from '../core/float-formats.ts';
import { type DType, type HostTensor, sizeOf } from '../core/host-tensor.ts';
import { listSome } from '../core/list-some.ts';
import { bytesPerElement, lengthBytes, type StoredDType } from './safetensors-header.ts';

/** Type and shape of a tensor that is still to come. */
export interface TensorHeader {
  readonly dtype: DType;
  readonly shape: readonly number[];
}

/** Tensors with their names, one after the other. */
export type TensorStream =
  | AsyncIterable<readonly [name: string, tensor: HostTensor]>
  | Iterable<readonly [name: string, tensor: HostTensor]>;

/** After a tensor was written. */
export interface WriteProgress {
  /** The tensor's name. */
  readonly name: string;
  /** Tensors and bytes of data written so far, and of the whole file. */
  readonly tensors: number;
  readonly totalTensors: number;
  readonly bytes: number;
  readonly totalBytes: number;
}

export type StoredFloats = 'F32' | 'F16' | 'BF16';

export interface WriteOptions {
  /** Strings kept in the header. */
  readonly metadata?: Readonly<Record<string, string>>;
  /** How float32 tensors are stored; the narrow ones halve the file and round, F16 to 11 significant bits and BF16 to 8. @default 'F32' */
  readonly floats?: StoredFloats;
  /** Aborts between two tensors; nothing remains then. */
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: WriteProgress) => void) | undefined;
}

/** Writes tensors that are in memory; see {@link writeSafetensors}. */
export async function saveSafetensors(
  file: string,
  tensors: Readonly<Record<string, HostTensor>>,
  options: WriteOptions = {},
): Promise<void> {
  await writeSafetensors(file, tensors, Object.entries(tensors), options);
}

/**
 * Writes a stream of tensors to `file` atomically: a temporary file beside it, flushed to disk, then renamed.
 * The data begin at a multiple of 64 bytes and larger powers of two come first, so every tensor is aligned to its type.
 * @param header every tensor of the file
 * @param tensors the same tensors in any order; the next one is taken when the last one is on its way to the disk
 * @throws DuetError `invalid-argument` if a tensor is unknown, comes twice, differs from its header or never comes; the
 *   signal's reason if it aborts
 */
export async function writeSafetensors(
  file: string,
  header: Readonly<Record<string, TensorHeader>>,
  tensors: TensorStream,
  options: WriteOptions = {},
): Promise<void> {
  options.signal?.throwIfAborted();
  const places = layout(header, options.floats ?? 'F32');
  await removeLeftovers(file);
  const temporary = `${file}.${process.pid}.tmp`;
  try {
    const handle = await open(temporary, 'w');
    try {
      await writeTensors(handle, places, tensors, options);
      await handle.sync();
    } finally {
      await handle.close();
    }
    options.signal?.throwIfAborted();
    await rename(temporary, file);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
  await syncFolder(dirname(file));
}

/** Where a tensor goes; `offset` counts from the first byte of data. */
interface Place extends TensorHeader {
  readonly storedAs: StoredDType;
  readonly offset: number;
  readonly byteLength: number;
}

function layout(header: Readonly<Record<string, TensorHeader>>, floats: StoredFloats): ReadonlyMap<string, Place> {
  if (Object.hasOwn(header, '__metadata__')) {
    throw new DuetError('invalid-argument', '"__metadata__" cannot be the name of a tensor; rename it');
  }
  const entries = Object.entries(header).map(([name, { dtype, shape }]) => {
    const storedAs = ({ float32: floats, int32: 'I32', bool: 'BOOL' } as const)[dtype];
    return { name, dtype, shape, storedAs, byteLength: sizeOf(shape) * bytesPerElement(storedAs) };
  });
  entries.sort((a, b) => alignment(b.byteLength) - alignment(a.byteLength) || (a.name < b.name ? -1 : 1));
  const places = new Map<string, Place>();
  let offset = 0;
  for (const { name, ...entry } of entries) {
    places.set(name, { ...entry, offset });
    offset += entry.byteLength;
  }
  return places;
}

/** The largest power of two, up to 64, that divides `byteLength`. */
function alignment(byteLength: number): number {
  let power = 64;
  while (byteLength % power !== 0) power /= 2;
  return power;
}

async function writeTensors(
  handle: FileHandle,
  places: ReadonlyMap<string, Place>,
  tensors: TensorStream,
  { metadata, signal, onProgress }: WriteOptions,
): Promise<void> {
  const header = encodeHeader(places, metadata);
  await writeAt(handle, header, 0);
  const totalBytes = [...places.values()].reduce((sum, { byteLength }) => sum + byteLength, 0);
  const missing = new Set(places.keys());
  let bytes = 0;
  for await (const [name, tensor] of tensors) {
    signal?.throwIfAborted();
    const place = checkedPlace(places, missing, name, tensor);
    await writeAt(handle, tensorBytes(tensor, place.storedAs), header.length + place.offset);
    missing.delete(name);
    bytes += place.byteLength;
    const [totalTensors, done] = [places.size, places.size - missing.size];
    onProgress?.({ name, tensors: done, totalTensors, bytes, totalBytes });
  }
  signal?.throwIfAborted();
  if (missing.size > 0) {
    throw new DuetError(
      'invalid-argument',
      `${missing.size} tensors of the header never came: ${listSome([...missing])}`,
    );
  }
}

function checkedPlace(
  places: ReadonlyMap<string, Place>,
  missing: ReadonlySet<string>,
  name: string,
  { dtype, shape, data }: HostTensor,
): Place {
  const place = places.get(name);
  if (!place) throw new DuetError('invalid-argument', `Tensor ${name} is not in the header of the file`);
  if (!missing.has(name)) throw new DuetError('invalid-argument', `Tensor ${name} came twice`);
  if (dtype !== place.dtype || shape.join() !== place.shape.join()) {
    throw new DuetError(
      'invalid-argument',
      `Tensor ${name} is ${dtype} [${shape.join(', ')}]; the header says ${place.dtype} [${place.shape.join(', ')}]`,
    );
  }
  if (data.length !== sizeOf(shape)) {
    throw new DuetError(
      'invalid-argument',
      `Tensor ${name} of shape [${shape.join(', ')}] needs ${sizeOf(shape)} values, got ${data.length}`,
    );
  }
  return place;
}

function encodeHeader(
  places: ReadonlyMap<string, Place>,
  metadata: Readonly<Record<string, string>> | undefined,
): Uint8Array {
  const described = Array.from(places, ([name, { storedAs, shape, offset, byteLength }]) => {
    return [name, { dtype: storedAs, shape, data_offsets: [offset, offset + byteLength] }] as const;
  });
  const json = Object.fromEntries([...(metadata ? [['__metadata__', metadata] as const] : []), ...described]);
  const text = new TextEncoder().encode(JSON.stringify(json));
  const total = Math.ceil((lengthBytes + text.length) / 64) * 64;
  const bytes = new Uint8Array(total).fill(0x20);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(total - lengthBytes), true);
  bytes.set(text, lengthBytes);
  return bytes;
}

function tensorBytes({ data }: HostTensor, storedAs: StoredDType): Uint8Array {
  const narrow = { F16: floatToHalf, BF16: floatToBfloat }[storedAs as string];
  const stored = narrow ? narrow(data as Float32Array) : data; // layout stores float32 alone so
  return new Uint8Array(stored.buffer, stored.byteOffset, stored.byteLength);
}

async function writeAt(handle: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  let done = 0;
  while (done < bytes.length) {
    done += (await handle.write(bytes, done, bytes.length - done, position + done)).bytesWritten;
  }
}

/** A file that nothing was written to for so long (in ms) is not being written: its writer may run on another machine. */
const abandonedAfter = 3_600_000;

/** Removes what processes that are no longer there left of an unfinished write of `file`. */
async function removeLeftovers(file: string): Promise<void> {
  const [folder, start] = [dirname(file), `${basename(file)}.`];
  const names = await readdir(folder).catch(() => []); // the write itself says why a folder cannot be used
  for (const name of names) {
    const owner = name.startsWith(start) ? /^(\d+)\.tmp$/.exec(name.slice(start.length))?.[1] : undefined;
    if (owner === undefined || isRunning(Number(owner))) continue;
    const leftover = join(folder, name);
    const written = await stat(leftover).then(({ mtimeMs }) => mtimeMs, Date.now); // it may be gone meanwhile
    if (Date.now() - written > abandonedAfter) await rm(leftover, { force: true });
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: it runs under another user.
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** Makes the rename itself durable; some systems cannot open folders, which is no reason to fail. */
async function syncFolder(folder: string): Promise<void> {
  try {
    const handle = await open(folder, 'r');
    await handle.sync().finally(() => handle.close());
  } catch {
    // Windows and some network file systems
  }
}
