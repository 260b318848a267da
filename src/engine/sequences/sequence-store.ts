/**
 * Sequences and what the engine keeps of each where it computes: tensors that grow by a position at a time, such as a language
 * model's keys and values. A caller holds handles; what grows does not leave the engine.
 */
import { AbortGroups } from '../../core/abort-groups.ts';
import { DuetError } from '../../core/errors.ts';
import { type DType, sizeOf } from '../../core/host-tensor.ts';

/** One position of each tensor that grows with a sequence, by name: `{ 'key.0': { dtype: 'float32', shape: [192] } }`. */
export type SequenceLayout = Readonly<Record<string, { readonly dtype: DType; readonly shape: readonly number[] }>>;

/** The handle of one sequence. */
export interface Sequence {
  /** Positions so far. */
  readonly length: number;
}

export interface SequenceOptions {
  /** Its abort drops the sequence, and those forked from it. */
  readonly signal?: AbortSignal | undefined;
}

/** What holds the tensors: the inference process, or an eager backend. It knows sequences by numbers. */
export interface SequenceBackend {
  /** Makes `to` a copy of `from`. */
  fork(from: number, to: number): void;
  drop(id: number): void;
  release(): Promise<void>;
}

interface Entry {
  readonly id: number;
  readonly handle: { length: number };
  readonly signal: AbortSignal | undefined;
  isBusy: boolean;
}

export class SequenceStore {
  readonly layout: SequenceLayout;
  readonly backend: SequenceBackend;
  readonly #entries = new Map<Sequence, Entry>();
  /** Beams share their caller's signal. */
  readonly #abortable = new AbortGroups<Sequence>(sequence => this.drop(sequence));
  #nextId = 1;
  #isReleased = false;

  constructor(layout: SequenceLayout, backend: SequenceBackend) {
    this.layout = layout;
    this.backend = backend;
  }

  /** An empty sequence. */
  create({ signal }: SequenceOptions = {}): Sequence {
    this.#assertOpen();
    signal?.throwIfAborted();
    return this.#add(0, signal).handle;
  }

  /**
   * A second sequence that goes on from where `sequence` is.
   * @throws DuetError 'released' if it was dropped, 'invalid-argument' while a call extends it
   */
  fork(sequence: Sequence): Sequence {
    const { id, handle, signal } = this.#idle(sequence);
    const entry = this.#add(handle.length, signal);
    this.backend.fork(id, entry.id);
    return entry.handle;
  }

  /** Frees what is kept of the sequence, once a call that extends it is over. Idempotent. */
  drop(sequence: Sequence): void {
    const entry = this.#entries.get(sequence);
    if (!entry) return;
    this.#entries.delete(sequence);
    this.#abortable.delete(entry.signal, sequence);
    this.backend.drop(entry.id);
  }

  /** Drops all sequences. Idempotent; further calls throw. */
  async release(): Promise<void> {
    if (this.#isReleased) return;
    this.#isReleased = true;
    for (const [sequence, { signal }] of this.#entries) this.#abortable.delete(signal, sequence);
    this.#entries.clear();
    await this.backend.release();
  }

  /**
   * For executables: extends different sequences by what `run` computes. They are as long as before if it fails.
   * @param run called with the sequences' numbers and lengths; returns how many positions were added
   */
  async extend<R extends { readonly positions: number }>(
    sequences: readonly Sequence[],
    run: (ids: readonly number[], lengths: readonly number[]) => Promise<R>,
  ): Promise<R> {
    const entries = sequences.map(sequence => this.#idle(sequence));
    for (const entry of entries) entry.isBusy = true;
    try {
      const result = await run(
        entries.map(({ id }) => id),
        entries.map(({ handle }) => handle.length),
      );
      for (const { handle } of entries) handle.length += result.positions;
      return result;
    } finally {
      for (const entry of entries) {
        entry.isBusy = false;
        // One that was dropped meanwhile may have been extended all the same.
        if (!this.#entries.has(entry.handle)) this.backend.drop(entry.id);
      }
    }
  }

  #add(length: number, signal: AbortSignal | undefined): Entry {
    const handle = { length };
    this.#abortable.add(signal, handle);
    const entry = { id: this.#nextId++, handle, signal, isBusy: false };
    this.#entries.set(handle, entry);
    return entry;
  }

  #idle(sequence: Sequence): Entry {
    this.#assertOpen();
    const entry = this.#entries.get(sequence);
    if (!entry) {
      throw new DuetError('released', 'The sequence was dropped, or belongs to other sequences; create it here');
    }
    if (entry.isBusy) {
      throw new DuetError('invalid-argument', 'The sequence is being extended by another call; await that call first');
    }
    return entry;
  }

  #assertOpen(): void {
    if (this.#isReleased) throw new DuetError('released', 'The sequences were released with their model');
  }
}

const bytesPerValue = { float32: 4, int32: 4, bool: 1 } as const satisfies Record<DType, number>;

/** Bytes that one position takes. */
export function bytesPerPosition(layout: SequenceLayout): number {
  return Object.values(layout).reduce((sum, { dtype, shape }) => sum + bytesPerValue[dtype] * sizeOf(shape), 0);
}
