/** This process's end of sequences in the inference process: what it is told about them, and whether it still has them. */
import { DuetError } from '../../core/errors.ts';
import { sessionHost } from '../runtime/session-host.ts';
import type { SequenceOperation } from './sequence-memory.ts';
import type { SequenceBackend, SequenceLayout } from './sequence-store.ts';

/** What was dropped is freed with the next call, or after so long. */
const flushMs = 20;

export class ProcessSequences implements SequenceBackend {
  readonly #layout: SequenceLayout;
  readonly #maxBytes: number;
  /** Its number in the inference process. */
  readonly memory = sessionHost.newId();
  /** The process that holds each sequence; those that were never extended are nowhere. */
  readonly #holders = new Map<number, number>();
  #operations: SequenceOperation[] = [];
  #openedIn = 0;
  #flushing: NodeJS.Timeout | undefined;

  constructor(layout: SequenceLayout, maxBytes: number) {
    this.#layout = layout;
    this.#maxBytes = maxBytes;
  }

  fork(from: number, to: number): void {
    const holder = this.#holders.get(from);
    if (holder === undefined) return;
    this.#holders.set(to, holder);
    this.#tell(holder, ['fork', from, to]);
  }

  drop(id: number): void {
    const holder = this.#holders.get(id);
    if (holder === undefined) return;
    this.#holders.delete(id);
    this.#tell(holder, ['drop', id]);
    this.#flushing ??= setTimeout(() => void this.#flush(), flushMs).unref();
  }

  async release(): Promise<void> {
    clearTimeout(this.#flushing);
    this.#holders.clear();
    this.#operations = [];
    if (!sessionHost.isAlive(this.#openedIn)) return;
    await sessionHost.send({ kind: 'close-sequences', memory: this.memory });
  }

  /** Makes the current inference process ready to hold sequences. */
  async open(): Promise<void> {
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

  /** @throws DuetError 'worker-died' if one of them was in a process that is gone */
  assertHeld(ids: readonly number[]): void {
    const isLost = (holder: number | undefined) => holder !== undefined && !sessionHost.isAlive(holder);
    if (!ids.some(id => isLost(this.#holders.get(id)))) return;
    throw new DuetError(
      'worker-died',
      'The sequence was lost with the inference process that held it. Start it again from its beginning.',
    );
  }

  /** What the process must be told before it extends `ids`, which it holds from now on. */
  operationsBefore(ids: readonly number[]): readonly SequenceOperation[] {
    for (const id of ids) this.#holders.set(id, sessionHost.generation);
    const operations = this.#operations;
    this.#operations = [];
    return operations;
  }

  /** What another process held is gone with it. */
  #tell(holder: number, operation: SequenceOperation): void {
    if (holder === this.#openedIn) this.#operations.push(operation);
  }

  async #flush(): Promise<void> {
    this.#flushing = undefined;
    if (this.#operations.length === 0 || !sessionHost.isAlive(this.#openedIn)) return;
    const operations = this.#operations;
    this.#operations = [];
    const isEmpty = this.#holders.size === 0;
    // Should the process end now, what it was to free is freed.
    await sessionHost
      .send({ kind: 'update-sequences', memory: this.memory, operations, isEmpty })
      .catch(() => undefined);
  }
}
