/** Rows of inputs as calls of a program: grouped by their shapes, stacked, and the outputs taken apart again. */
import { DuetError } from '../../core/errors.ts';
import { type HostTensor, sizeOf } from '../../core/host-tensor.ts';

export type Tensors = Readonly<Record<string, HostTensor>>;

/** A row: the program's inputs without their batch axis. */
interface Row {
  readonly inputs: Tensors;
}

/**
 * Calls `run` once for all rows whose inputs have the same shapes, at the same time for different shapes. A call for which
 * there is no room is made again as two calls of half the rows, since rows side by side take more memory than one by one.
 * @param run computes the outputs [B, ...] of the given rows from their stacked inputs [B, ...]
 * @returns the outputs of each row without their batch axis, in order
 * @throws the error of the first call that failed, once all have settled
 */
export async function runInGroups<T extends Row>(
  rows: readonly T[],
  run: (rows: readonly T[], inputs: Tensors) => Promise<Tensors>,
): Promise<Record<string, HostTensor>[]> {
  const groups = new Map<string, number[]>();
  for (const [index, { inputs }] of rows.entries()) {
    const key = JSON.stringify(Object.entries(inputs).map(([name, { dtype, shape }]) => [name, dtype, shape]));
    groups.set(key, [...(groups.get(key) ?? []), index]);
  }
  const results = new Array<Record<string, HostTensor>>(rows.length);
  const calls = await Promise.allSettled(
    [...groups.values()].map(async indices => {
      const group = indices.map(index => rows[index]!);
      for (const [row, outputs] of (await runOrHalve(group, run)).entries()) results[indices[row]!] = outputs;
    }),
  );
  const failed = calls.find(call => call.status === 'rejected');
  if (failed) throw failed.reason;
  return results;
}

async function runOrHalve<T extends Row>(
  rows: readonly T[],
  run: (rows: readonly T[], inputs: Tensors) => Promise<Tensors>,
): Promise<Record<string, HostTensor>[]> {
  try {
    const outputs = Object.entries(await run(rows, stackInputs(rows.map(({ inputs }) => inputs))));
    return rows.map((_, row) => Object.fromEntries(outputs.map(([name, tensor]) => [name, rowOf(tensor, row)])));
  } catch (error) {
    if (!DuetError.isInstance(error) || error.code !== 'memory-full' || rows.length === 1) throw error;
    const middle = Math.ceil(rows.length / 2);
    return [...(await runOrHalve(rows.slice(0, middle), run)), ...(await runOrHalve(rows.slice(middle), run))];
  }
}

/** Inputs of equal shapes, side by side: [...] to [B, ...]. */
function stackInputs(rows: readonly Tensors[]): Tensors {
  return Object.fromEntries(
    Object.entries(rows[0]!).map(([name, { dtype, shape, data }]) => {
      const all = emptyLike({ dtype }, rows.length * data.length);
      for (const [index, row] of rows.entries()) all.set(row[name]!.data, index * data.length);
      return [name, { dtype, shape: [rows.length, ...shape], data: all }];
    }),
  );
}

/** Memory for so many values of a tensor's type. */
export function emptyLike({ dtype }: Pick<HostTensor, 'dtype'>, length: number): HostTensor['data'] {
  return new { float32: Float32Array, int32: Int32Array, bool: Uint8Array }[dtype](length);
}

/** Row `row` of a tensor [B, ...], as a view. */
export function rowOf({ dtype, shape: [, ...shape], data }: HostTensor, row: number): HostTensor {
  const size = sizeOf(shape);
  return { dtype, shape, data: data.subarray(row * size, (row + 1) * size) };
}
