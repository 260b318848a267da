/** Tensors that lie in files: reading one into memory for backends that cannot map it, checking before files are mapped. */
import { closeSync, openSync, readSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { DuetError } from '../core/errors.ts';
import { bfloatToFloat, halfToFloat } from '../core/float-formats.ts';
import type { FileTensor, HostTensor } from '../core/host-tensor.ts';

/** @throws RangeError if the file ends before the tensor does. */
export function readFileTensor({ file, offset, byteLength, dtype, shape, storedAs }: FileTensor): HostTensor {
  const bytes = new Uint8Array(byteLength);
  const descriptor = openSync(file, 'r');
  try {
    if (readSync(descriptor, bytes, 0, byteLength, offset) !== byteLength) {
      throw new RangeError(`${file} ends before byte ${offset + byteLength}`);
    }
  } finally {
    closeSync(descriptor);
  }
  if (storedAs) {
    const widen = { float16: halfToFloat, bfloat16: bfloatToFloat }[storedAs];
    return { dtype, shape, data: widen(new Uint16Array(bytes.buffer)) };
  }
  const views = { float32: Float32Array, int32: Int32Array, bool: Uint8Array };
  return { dtype, shape, data: new views[dtype](bytes.buffer) };
}

/**
 * Checks that every tensor lies inside its file as the file is now: mapping a shorter one would fail obscurely, or worse.
 * @throws DuetError `invalid-weights` that names the file
 */
export async function checkFiles(tensors: readonly FileTensor[]): Promise<void> {
  const needed = new Map<string, number>();
  for (const { file, offset, byteLength } of tensors) {
    needed.set(file, Math.max(needed.get(file) ?? 0, offset + byteLength));
  }
  for (const [file, end] of needed) {
    const { size } = await stat(file).catch((error: Error) => {
      throw new DuetError('invalid-weights', `Cannot read the weight file ${file}: ${error.message}`, { cause: error });
    });
    if (size < end) {
      throw new DuetError(
        'invalid-weights',
        `${file} ends after ${size} bytes; the program needs ${end}. Fetch it again.`,
      );
    }
  }
}
