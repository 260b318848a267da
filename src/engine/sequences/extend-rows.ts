/** Programs that extend sequences: the inputs that they are given beside their own, and the rows of a call. */
import { DuetError } from '../../core/errors.ts';
import type { HostTensor } from '../../core/host-tensor.ts';
import type { CompileSpec, InputSpec } from '../types.ts';
import { runInGroups, type Tensors } from './row-groups.ts';
import type { Sequence, SequenceBackend, SequenceLayout, SequenceStore } from './sequence-store.ts';

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
  const { positions } = spec;
  const other = positions && Object.entries(spec.inputs).find(([, { shape }]) => shape[1] !== positions);
  if (other) {
    throw new DuetError(
      'invalid-argument',
      `${program} adds as many positions as "${positions}" says, so that must be the second dimension of its input "${other[0]}"`,
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
  if (new Set(rows.map(({ sequence }) => sequence)).size < rows.length) {
    throw new DuetError('invalid-argument', 'A sequence occurs twice among the rows of one call; fork it first');
  }
  return runInGroups(rows, async (group, inputs) => {
    const { outputs } = await store.extend(
      group.map(({ sequence }) => sequence),
      (ids, lengths) => run({ ids, lengths, inputs }),
    );
    return outputs;
  });
}
