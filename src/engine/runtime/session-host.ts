/**
 * The one inference process that this process uses: started when first needed, replaced when it dies, when it has grown over
 * its memory ceiling, or when a call in it had to be interrupted.
 */
import { DuetError } from '../../core/errors.ts';
import { InferenceProcess, type ProcessEnd } from './inference-process.ts';
import type { ProcessSize, Request, Tensors } from './protocol.ts';

/** Runs after which a process that has loaded its models has its usual size. */
const warmUpRuns = 32;
/** A process of its usual size is over the ceiling for good: it is replaced only when it has grown by this much. */
const growth = 1.25;

export interface InferenceStatus {
  /** `recovering`: the last one died and no new one is ready yet. */
  readonly state: 'not-started' | 'starting' | 'ready' | 'recovering';
  readonly pid?: number;
  /** As last measured, in bytes. */
  readonly residentBytes?: number;
  /** Processes that ended by themselves since this process started. */
  readonly deaths: number;
  /** Processes ended to interrupt a call or because of their size. */
  readonly replacements: number;
  /** The memory ceiling in bytes, if one is set. */
  readonly maxMemory?: number;
  /** The models alone need more than the ceiling. */
  readonly isCeilingTooLow: boolean;
}

class SessionHost {
  #process: InferenceProcess | undefined;
  #nextId = 1;
  #deaths = 0;
  #replacements = 0;
  #isRecovering = false;
  #maxMemory: number | undefined;
  #residentBytes: number | undefined;
  /** Without sequences. */
  #usualBytes = 0;
  #runsSinceLoad = 0;
  readonly #deathListeners = new Set<() => void>();
  /** Counts processes: what was loaded into an earlier one is gone. */
  generation = 0;

  get status(): InferenceStatus {
    const process = this.#process;
    const state = this.#isRecovering
      ? 'recovering'
      : process?.wasReady
        ? 'ready'
        : process
          ? 'starting'
          : 'not-started';
    return {
      state,
      ...(process?.pid !== undefined && { pid: process.pid }),
      ...(process && this.#residentBytes !== undefined && { residentBytes: this.#residentBytes }),
      deaths: this.#deaths,
      replacements: this.#replacements,
      ...(this.#maxMemory !== undefined && { maxMemory: this.#maxMemory }),
      isCeilingTooLow: this.#maxMemory !== undefined && this.#usualBytes > this.#maxMemory,
    };
  }

  /**
   * Sets or (with `undefined`) lifts the memory ceiling: a process over so many bytes of resident memory is replaced between
   * calls, unless training state lives in it. Sequences are computed again in the next process; those that would grow over the
   * ceiling are refused.
   * @throws DuetError 'invalid-argument'
   */
  setMaxMemory(bytes: number | undefined): void {
    if (bytes !== undefined && !(bytes > 0)) {
      throw new DuetError('invalid-argument', `The memory ceiling must be a positive number of bytes, got ${bytes}`);
    }
    this.#maxMemory = bytes;
  }

  /** Bytes up to which sequences may let the process grow: its ceiling, or somewhat more than the models need if that is more. */
  get sequenceCeiling(): number | undefined {
    return this.#maxMemory === undefined ? undefined : Math.max(this.#maxMemory, growth * this.#usualBytes);
  }

  /** Calls `listener` whenever an inference process died by itself. Returns a function that stops this. */
  onDeath(listener: () => void): () => void {
    this.#deathListeners.add(listener);
    return () => this.#deathListeners.delete(listener);
  }

  /** An id that no other session or store of this process has. */
  newId(): number {
    return this.#nextId++;
  }

  /** Sends one request to the current process, starting one if there is none. Further facts at `InferenceProcess.send`. */
  send(request: Request, signal?: AbortSignal): Promise<Tensors> {
    return this.#ensure().send(this.newId(), request, signal);
  }

  /** Starts a process unless one is alive; afterwards `generation` is the living one's. */
  ensureProcess(): void {
    this.#ensure();
  }

  /** Whether the process of that generation still takes requests. */
  isAlive(generation: number): boolean {
    return this.#process?.isOpen === true && this.generation === generation;
  }

  /** Ends the process and everything in it; the next request starts a new one. */
  async terminate(): Promise<void> {
    const process = this.#process;
    this.#process = undefined;
    await process?.terminate();
  }

  #ensure(): InferenceProcess {
    if (this.#process?.isOpen) return this.#process;
    this.generation++;
    this.#runsSinceLoad = 0;
    this.#usualBytes = 0;
    const process: InferenceProcess = new InferenceProcess({
      ready: () => {
        if (this.#process === process) this.#isRecovering = false;
      },
      answered: (kind, size) => {
        if (this.#process === process) this.#watchMemory(process, kind, size);
      },
      ended: how => this.#ended(process, how),
    });
    this.#process = process;
    return process;
  }

  #ended(process: InferenceProcess, how: ProcessEnd): void {
    const wasCurrent = this.#process === process;
    if (wasCurrent) this.#process = undefined;
    if (how === 'interrupted') this.#replacements++;
    if (how !== 'died') return;
    this.#deaths++;
    if (wasCurrent) this.#isRecovering = true;
    // One that never was ready would not be the next time either; the next call tries it.
    if (wasCurrent && process.wasReady) this.#ensure();
    for (const listener of this.#deathListeners) listener();
  }

  #watchMemory(process: InferenceProcess, kind: Request['kind'], size: ProcessSize | undefined): void {
    // What restoring sequences takes is usual, too: a process must outlast it.
    if (kind === 'load' || kind === 'restore') this.#runsSinceLoad = 0;
    if (kind === 'run' || kind === 'extend') this.#runsSinceLoad++;
    if (!size) return;
    this.#residentBytes = size.resident;
    const others = size.resident - size.sequences;
    if (this.#runsSinceLoad <= warmUpRuns) {
      this.#usualBytes = Math.max(this.#usualBytes, others);
      return;
    }
    const isOver = size.resident > (this.#maxMemory ?? Number.POSITIVE_INFINITY);
    if (!isOver || others <= growth * this.#usualBytes || process.holdsState) return;
    this.#process = undefined;
    this.#replacements++;
    process.retire();
  }
}

/** One inference process per process: two that compute at once would only fight for the cores. */
export const sessionHost = new SessionHost();
