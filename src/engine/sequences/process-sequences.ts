/**
 * This process's end of sequences in the inference process: the operations that are sent to it, and how to compute them again in
 * another one when it is gone. Programs are deterministic, so what a sequence was extended by is as good as what it holds.
 */
import { sessionHost } from '../runtime/session-host.ts';
import type { Group } from './extend-rows.ts';
import { chainFrom, type Extension, joinInputs, treeOf } from './history.ts';
import { rowOf, runInGroups, type Tensors } from './row-groups.ts';
import type { SequenceOperation } from './sequence-memory.ts';
import type { SequenceBackend, SequenceLayout } from './sequence-store.ts';

/** What was dropped is freed with the next call, or after so long. */
const flushMs = 20;
/** Positions that are computed again at the same time: what a program computes of them takes memory beside the sequences. */
const mostRestored = 512;
/** An input of all rows of a call that is larger than this is not kept for the sake of one row. */
const largeInputBytes = 2 ** 16;

interface Held {
  /** The generation of the process that has what `history` made; 0 if there is none. */
  process: number;
  /** `undefined` as long as it is empty. */
  history: Extension | undefined;
}

/** A sequence that stands for a part of a tree of histories until all that goes on from it has been forked. */
interface Part {
  readonly id: number;
  /** One call does what these do. */
  readonly first: Extension;
  readonly last: Extension;
  readonly inputs: Tensors;
}

export class ProcessSequences implements SequenceBackend {
  readonly #layout: SequenceLayout;
  readonly #maxBytes: number | undefined;
  /** Its number in the inference process. */
  readonly memory = sessionHost.newId();
  /** By number; those that were never extended are not among them. */
  readonly #sequences = new Map<number, Held>();
  #operations: SequenceOperation[] = [];
  #openedIn = 0;
  #flushing: NodeJS.Timeout | undefined;
  #restoring: Promise<unknown> = Promise.resolve();
  #lastPart = 0;

  /** @param maxBytes the most that they may take. @default they share the most that all sequences may take */
  constructor(layout: SequenceLayout, maxBytes: number | undefined) {
    this.#layout = layout;
    this.#maxBytes = maxBytes;
  }

  fork(from: number, to: number): void {
    const held = this.#sequences.get(from);
    if (!held) return;
    this.#sequences.set(to, { ...held });
    this.#enqueue(held, ['fork', from, to]);
  }

  drop(id: number): void {
    const held = this.#sequences.get(id);
    if (!held) return;
    this.#sequences.delete(id);
    this.#enqueue(held, ['drop', id]);
    this.#flushing ??= setTimeout(() => void this.#flush(), flushMs).unref();
  }

  async release(): Promise<void> {
    clearTimeout(this.#flushing);
    this.#sequences.clear();
    this.#operations = [];
    if (!sessionHost.isAlive(this.#openedIn)) return;
    await sessionHost.send({ kind: 'close-sequences', memory: this.memory });
  }

  /**
   * Makes the current inference process hold all of `ids`, and what has a common beginning with them so that it stays common.
   * Those that another process held are computed again.
   */
  async restore(ids: readonly number[], signal: AbortSignal | undefined): Promise<void> {
    await this.#open();
    if (!this.#isAnyLost(ids)) return;
    // One after the other: calls at the same time must not compute the same sequences twice.
    const restored = this.#restoring.then(() => this.#restoreNow(ids, signal));
    this.#restoring = restored.catch(() => undefined);
    await restored;
  }

  /** Whether the process of `generation` holds all of `ids`. */
  areHeld(ids: readonly number[], generation: number): boolean {
    return this.#openedIn === generation && sessionHost.isAlive(generation) && !this.#isAnyLost(ids);
  }

  /** Notes that the current process is to extend `ids`; returns the operations that must precede it. */
  begin(ids: readonly number[]): readonly SequenceOperation[] {
    for (const id of ids) {
      this.#sequences.set(id, { process: this.#openedIn, history: this.#sequences.get(id)?.history });
    }
    return this.#takeOperations();
  }

  /** Notes that the sequences of `group` were extended, as `again` can do it once more. */
  extended({ ids, lengths, inputs }: Group, again: Pick<Extension, 'extend' | 'joinedPositions'>): void {
    // Small rows are kept together, which costs less than a copy of each at every token.
    const areLarge = Object.values(inputs).some(({ data }) => data.byteLength > largeInputBytes);
    for (const [row, id] of ids.entries()) {
      const held = this.#sequences.get(id);
      if (!held) continue; // dropped meanwhile
      const previous = held.history;
      const family = previous?.family ?? Symbol('sequences with the same beginning');
      const { extend, joinedPositions } = again;
      const own = areLarge ? { stack: copyOfRow(inputs, row), row: 0 } : { stack: inputs, row };
      held.history = { previous, family, length: lengths[row]!, extend, joinedPositions, ...own };
    }
  }

  /** Notes that nobody knows whether the process has extended `ids`: what it has of them is dropped. */
  forget(ids: readonly number[]): void {
    for (const id of ids) {
      const held = this.#sequences.get(id);
      if (!held) continue;
      this.drop(id);
      this.#sequences.set(id, { ...held, process: 0 });
    }
  }

  async #open(): Promise<void> {
    sessionHost.ensureProcess();
    if (this.#openedIn === sessionHost.generation) return;
    this.#openedIn = sessionHost.generation;
    this.#operations = [];
    await sessionHost.send({
      kind: 'open-sequences',
      memory: this.memory,
      layout: this.#layout,
      maxBytes: this.#maxBytes,
    });
  }

  #isLost({ process, history }: Held): boolean {
    return history !== undefined && (process !== this.#openedIn || !sessionHost.isAlive(process));
  }

  #isAnyLost(ids: readonly number[]): boolean {
    return ids.some(id => {
      const held = this.#sequences.get(id);
      return held !== undefined && this.#isLost(held);
    });
  }

  async #restoreNow(ids: readonly number[], signal: AbortSignal | undefined): Promise<void> {
    signal?.throwIfAborted();
    const families = new Set(ids.map(id => this.#sequences.get(id)?.history?.family));
    const lost = new Map<Extension, number[]>();
    for (const [id, held] of this.#sequences) {
      const { history } = held;
      if (!history || !families.has(history.family) || !this.#isLost(held)) continue;
      lost.set(history, [...(lost.get(history) ?? []), id]);
    }
    const { firsts, next } = treeOf(lost.keys());
    const partFrom = (first: Extension): Part => {
      const chain = chainFrom(first, next, extension => lost.has(extension));
      // Numbers below zero are those of no caller's sequence.
      return { id: --this.#lastPart, first, last: chain.at(-1)!, inputs: joinInputs(chain) };
    };
    let parts = firsts.map(partFrom);
    try {
      while (parts.length > 0) {
        await this.#extendParts(parts, signal);
        const further: Part[] = [];
        for (const { id, last } of parts.splice(0)) {
          for (const member of lost.get(last) ?? []) if (this.#sequences.has(member)) this.fork(id, member);
          for (const following of next.get(last)!) {
            const part = partFrom(following);
            this.fork(id, part.id);
            further.push(part);
          }
          this.drop(id);
        }
        parts = further;
      }
    } finally {
      for (const { id } of parts) this.drop(id);
    }
  }

  /** Extends each part by its extension; those that the same program extends share calls. */
  async #extendParts(parts: readonly Part[], signal: AbortSignal | undefined): Promise<void> {
    for (const extend of new Set(parts.map(({ first }) => first.extend))) {
      const own = parts.filter(({ first }) => first.extend === extend);
      while (own.length > 0) {
        await runInGroups(takeFitting(own), async (rows, inputs) => {
          await extend(
            { ids: rows.map(({ id }) => id), lengths: rows.map(({ first }) => first.length), inputs },
            signal,
          );
          for (const { id, last } of rows) this.#sequences.get(id)!.history = last;
          return {};
        });
      }
    }
  }

  /** What another process held is gone with it. */
  #enqueue({ process }: Held, operation: SequenceOperation): void {
    if (process === this.#openedIn) this.#operations.push(operation);
  }

  #takeOperations(): readonly SequenceOperation[] {
    const operations = this.#operations;
    this.#operations = [];
    return operations;
  }

  async #flush(): Promise<void> {
    this.#flushing = undefined;
    if (this.#operations.length === 0 || !sessionHost.isAlive(this.#openedIn)) return;
    // Should the process end now, what it was to free is freed.
    await sessionHost
      .send({ kind: 'update-sequences', memory: this.memory, operations: this.#takeOperations() })
      .catch(() => undefined);
  }
}

/** Takes parts off the front of `parts`, at least one, for calls that add no more than `mostRestored` positions together. */
function takeFitting(parts: Part[]): Part[] {
  const taken = parts.splice(0, 1);
  let positions = positionsIn(taken[0]!);
  while (parts[0] && positions + positionsIn(parts[0]) <= mostRestored) {
    positions += positionsIn(parts[0]);
    taken.push(parts.shift()!);
  }
  return taken;
}

function positionsIn({ inputs }: Part): number {
  return Object.values(inputs)[0]?.shape[0] ?? 1;
}

/** Row `row` of inputs [B, ...] as inputs [1, ...] with memory of their own. */
function copyOfRow(inputs: Tensors, row: number): Tensors {
  return Object.fromEntries(
    Object.entries(inputs).map(([name, tensor]) => {
      const { dtype, shape, data } = rowOf(tensor, row);
      return [name, { dtype, shape: [1, ...shape], data: data.slice() }];
    }),
  );
}
