/** Reads a tensor that lies in a file into memory, for backends that cannot map it. */
import { closeSync, openSync, readSync } from 'node:fs';
import type { FileTensor, HostTensor } from '../core/host-tensor.ts';

/** @throws RangeError if the file ends before the tensor does. */
export function readFileTensor({ file, offset, byteLength, dtype, shape }: FileTensor): HostTensor {
  const bytes = new Uint8Array(byteLength);
  const descriptor = openSync(file, 'r');
  try {
    if (readSync(descriptor, bytes, 0, byteLength, offset) !== byteLength) {
      throw new RangeError(`${file} ends before byte ${offset + byteLength}`);
    }
  } finally {
    closeSync(descriptor);
  }
  const views = { float32: Float32Array, int32: Int32Array, bool: Uint8Array };
  return { dtype, shape, data: new views[dtype](bytes.buffer) };
}
