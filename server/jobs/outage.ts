/**
 * Whether the service that runs the jobs is unreachable, and for how long: clients on open connections wait only for a
 * limited time.
 */
import { DuetError } from '../../src/core/errors.ts';
import type { ReadinessCheck } from '../readiness.ts';

export interface OutageOptions {
  /** A message for clients and probes that names what is unreachable. */
  readonly message: string;
  /** Milliseconds after which waiting clients get an error. */
  readonly timeoutMs: number;
}

export class Outage {
  readonly #message: string;
  readonly #timeoutMs: number;
  readonly #listeners = new Set<(fault: DuetError) => void>();
  #isAway = false;
  #fault: DuetError | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor({ message, timeoutMs }: OutageOptions) {
    this.#message = message;
    this.#timeoutMs = timeoutMs;
  }

  get isAway(): boolean {
    return this.#isAway;
  }

  /** Set once the outage has lasted longer than clients wait. */
  get fault(): DuetError | undefined {
    return this.#fault;
  }

  /** Fails from the beginning of an outage on. */
  readonly check: ReadinessCheck = {
    status: 'no-queue',
    objection: () => (this.#isAway ? this.#message : undefined),
  };

  begin(): void {
    if (this.#isAway) return;
    this.#isAway = true;
    this.#timer = setTimeout(() => this.#giveUp(), this.#timeoutMs).unref();
  }

  end(): void {
    this.#isAway = false;
    this.#fault = undefined;
    clearTimeout(this.#timer);
  }

  /**
   * Calls `listener` once the present outage or the next one has lasted too long.
   * @returns a function that removes the listener
   */
  listen(listener: (fault: DuetError) => void): () => void {
    if (this.#fault) listener(this.#fault);
    else this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  #giveUp(): void {
    this.#fault = new DuetError('overloaded', `${this.#message}; try again later`);
    for (const listener of [...this.#listeners]) listener(this.#fault);
    this.#listeners.clear();
  }
}
