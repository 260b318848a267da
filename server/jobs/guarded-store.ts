/**
 * A store that remembers whether it can be written. After a failed write, it tries a write of the same size every few seconds
 * and before each operation that needs it, until one succeeds.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { DuetError } from '../../src/core/errors.ts';
import { isStorageError } from './storage-errors.ts';
import type { JobRecord, JobStore } from './store.ts';

const retryMs = 2000;
/** How long a request waits for a running probe before it is rejected with the fault. */
const probeTimeoutMs = 1000;
/** The smallest probe: a full disk may still have room for a line. */
const leastProbeBytes = 2 ** 16;
const mostProbeBytes = 2 ** 20;

export class GuardedStore implements JobStore {
  readonly #store: JobStore;
  #fault: DuetError | undefined;
  /** Size of the largest write that failed since the fault began. */
  #failedBytes = 0;
  #probing: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;
  readonly #waiting: (() => void)[] = [];

  constructor(store: JobStore) {
    this.#store = store;
  }

  /** Why nothing can be written at the moment. */
  get fault(): DuetError | undefined {
    return this.#fault;
  }

  /** @throws DuetError 'storage-full' | 'overloaded' while it cannot be written */
  async requireUsable(): Promise<void> {
    if (!this.#fault) return;
    await Promise.race([this.probe(), sleep(probeTimeoutMs, undefined, { ref: false })]);
    if (this.#fault) throw this.#fault;
  }

  /** Resolves once it can be written, as far as is known; never if it is closed before. */
  async whenUsable(): Promise<void> {
    if (this.#fault) await new Promise<void>(resolve => this.#waiting.push(resolve));
  }

  load(): Promise<readonly JobRecord[]> {
    return this.#store.load();
  }

  save(record: JobRecord): Promise<void> {
    return this.#watch(0, () => this.#store.save(record));
  }

  writeFile(id: string, name: string, bytes: Uint8Array): Promise<void> {
    return this.#watch(bytes.length, () => this.#store.writeFile(id, name, bytes));
  }

  readFile(id: string, name: string): Promise<Uint8Array | undefined> {
    return this.#store.readFile(id, name);
  }

  removeFiles(id: string, names: readonly string[]): Promise<void> {
    return this.#store.removeFiles(id, names);
  }

  remove(id: string): Promise<void> {
    return this.#store.remove(id);
  }

  /** Tests whether the fault is over; simultaneous callers share one test. Never rejects. */
  probe(): Promise<void> {
    this.#probing ??= this.#tryAgain().finally(() => {
      this.#probing = undefined;
    });
    return this.#probing;
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.#probing;
    await this.#store.close();
  }

  async #watch(bytes: number, write: () => Promise<void>): Promise<void> {
    try {
      await write();
    } catch (error) {
      if (isStorageError(error)) this.#note(error, bytes);
      throw error;
    }
  }

  #note(fault: DuetError, bytes: number): void {
    this.#fault = fault;
    this.#failedBytes = Math.max(this.#failedBytes, bytes);
    this.#timer ??= setInterval(() => void this.probe(), retryMs).unref();
  }

  async #tryAgain(): Promise<void> {
    const bytes = Math.min(mostProbeBytes, Math.max(leastProbeBytes, this.#failedBytes));
    try {
      await this.#store.probe(bytes);
      this.#fault = undefined;
      this.#failedBytes = 0;
      clearInterval(this.#timer);
      this.#timer = undefined;
      for (const resume of this.#waiting.splice(0)) resume();
    } catch (error) {
      if (isStorageError(error)) this.#note(error, bytes);
    }
  }
}
