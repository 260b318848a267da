/** Rows of a call that extends sequences: grouped by their shapes, stacked for the program, and taken apart again. */
import { DuetError } from '../../core/errors.ts';
import { type HostTensor, sizeOf } from '../../core/host-tensor.ts';
import type { CompileSpec, InputSpec } from '../types.ts';
import type { Sequence, SequenceBackend, SequenceLayout, SequenceStore } from './sequence-store.ts';

type Tensors = Readonly<Record<string, HostTensor>>;

/** One sequence and what it is extended by. */
export interface SequenceRow {
  readonly sequence: Sequence;
  /** The program's inputs without their batch axis. */
  readonly inputs: Tensors;
}

/** Sequences that go on by inputs of the same shapes, in one call of the program. */
export interface Group {
  readonly ids: readonly number[];
  /** Positions of each before the call. */
  readonly lengths: readonly number[];
  /** [B, ...] */
  readonly inputs: Tensors;
}

export interface GroupResult {
  /** The program's outputs beside what it adds to the sequences, [B, ...]. */
  readonly outputs: Tensors;
  /** Positions added to each sequence. */
  readonly positions: number;
}

/** The inputs that a program is given beside its own: the sequences so far, side by side. */
export function sequenceInputs(layout: SequenceLayout): Record<string, InputSpec> {
  return {
    pastLengths: { dtype: 'int32', shape: ['batch'] },
    ...Object.fromEntries(
      Object.entries(layout).map(([name, { dtype, shape }]) => [name, { dtype, shape: ['batch', 'past', ...shape] }]),
    ),
  };
}

/** `spec` with the inputs of its sequences among its inputs. */
export function withSequenceInputs(program: string, spec: CompileSpec): CompileSpec {
  if (!spec.sequences) return spec;
  const added = sequenceInputs(spec.sequences.layout);
  const taken = Object.keys(added).filter(name => name in spec.inputs);
  if (taken.length > 0 || spec.state) {
    const reason = spec.state ? 'it has state' : `it has an input "${taken[0]}" of its own`;
    throw new DuetError('invalid-argument', `${program} cannot extend sequences: ${reason}`);
  }
  const unbatched = Object.entries(spec.inputs).find(([, { shape }]) => shape[0] !== 'batch');
  if (unbatched) {
    throw new DuetError(
      'invalid-argument',
      `${program} extends sequences, so the first dimension of its input "${unbatched[0]}" must be 'batch'`,
    );
  }
  return { ...spec, inputs: { ...spec.inputs, ...added } };
}

/**
 * The sequences of a program and their backend.
 * @throws DuetError 'invalid-argument' if it has none, or those of another device
 */
export function sequencesOf<B extends SequenceBackend>(
  program: string,
  { sequences }: CompileSpec,
  // biome-ignore lint/suspicious/noExplicitAny: any constructor will do for instanceof
  Backend: new (...args: any[]) => B,
): { readonly store: SequenceStore; readonly backend: B } {
  if (!sequences) {
    throw new DuetError('invalid-argument', `${program} extends no sequences: it was compiled without; use run`);
  }
  const { backend } = sequences;
  if (backend instanceof Backend) return { store: sequences, backend };
  throw new DuetError(
    'invalid-argument',
    `The sequences of ${program} are for another device; give createSequences the device that it is compiled for`,
  );
}

/** @throws DuetError 'invalid-argument' */
export function assertNoSequences(program: string, { sequences }: CompileSpec): void {
  if (sequences) throw new DuetError('invalid-argument', `${program} extends sequences; use extend instead of run`);
}

/** Extends the sequences of `rows` by `run`, which is called for each group; returns the outputs of each row, in order. */
export async function extendRows(
  store: SequenceStore,
  rows: readonly SequenceRow[],
  run: (group: Group) => Promise<GroupResult>,
): Promise<Record<string, HostTensor>[]> {
  const groups = new Map<string, number[]>();
  for (const [index, { inputs }] of rows.entries()) {
    const key = JSON.stringify(Object.entries(inputs).map(([name, { dtype, shape }]) => [name, dtype, shape]));
    groups.set(key, [...(groups.get(key) ?? []), index]);
  }
  const sequences = rows.map(({ sequence }) => sequence);
  if (new Set(sequences).size < sequences.length) {
    throw new DuetError('invalid-argument', 'A sequence occurs twice among the rows of one call; fork it first');
  }
  const results = new Array<Record<string, HostTensor>>(rows.length);
  const extended = await Promise.allSettled(
    [...groups.values()].map(async indices => {
      const inputs = stackInputs(indices.map(index => rows[index]!.inputs));
      const { outputs } = await store.extend(
        indices.map(index => sequences[index]!),
        (ids, lengths) => run({ ids, lengths, inputs }),
      );
      for (const [row, index] of indices.entries()) {
        results[index] = Object.fromEntries(
          Object.entries(outputs).map(([name, tensor]) => [name, rowOf(tensor, row)]),
        );
      }
    }),
  );
  const failed = extended.find(result => result.status === 'rejected');
  if (failed) throw failed.reason;
  return results;
}

/** Inputs of equal shapes, side by side: [...] to [B, ...]. */
function stackInputs(rows: readonly Tensors[]): Tensors {
  return Object.fromEntries(
    Object.entries(rows[0]!).map(([name, { dtype, shape, data }]) => {
      const all = new { float32: Float32Array, int32: Int32Array, bool: Uint8Array }[dtype](rows.length * data.length);
      for (const [index, row] of rows.entries()) all.set(row[name]!.data, index * data.length);
      return [name, { dtype, shape: [rows.length, ...shape], data: all }];
    }),
  );
}

/** Row `row` of a tensor [B, ...], as a view. */
function rowOf({ dtype, shape: [, ...shape], data }: HostTensor, row: number): HostTensor {
  const size = sizeOf(shape);
  return { dtype, shape, data: data.subarray(row * size, (row + 1) * size) };
}
