/** What waits for one kind of network call, and which of it the next call takes. */
import type { BatchLimit } from './batch-limit.ts';

/** Rows that are answered together or not at all. */
export interface Ticket<T, U> {
  readonly rows: readonly T[];
  /** Clamped to {@link priorities}. */
  readonly priority: number;
  readonly signal: AbortSignal | undefined;
  readonly resolve: (answers: U[]) => void;
  readonly reject: (error: unknown) => void;
}

/** A ticket goes before all that came up to this many calls earlier for each unit of priority it has more. */
const callsPerPriority = 4;
const priorities = { lowest: -10, highest: 10 };

interface Waiting<T, U> extends Ticket<T, U> {
  /** The call that it would like to be part of: the smallest goes first, so whoever waits long enough is first. */
  readonly due: number;
}

export class CallQueue<T, U> {
  /** Milliseconds that this kind of call has had, for taking turns with the other kinds. */
  time = 0;
  readonly #call: (rows: readonly T[]) => Promise<readonly U[]>;
  readonly #limit: BatchLimit;
  #waiting: Waiting<T, U>[] = [];
  #calls = 0;

  constructor(call: (rows: readonly T[]) => Promise<readonly U[]>, limit: BatchLimit) {
    this.#call = call;
    this.#limit = limit;
  }

  get isEmpty(): boolean {
    return this.#waiting.length === 0;
  }

  /** Whether the next call would have to leave somebody behind, or would just not. */
  get isFull(): boolean {
    return this.#waiting.reduce((sum, { rows }) => sum + rows.length, 0) >= this.#limit.rows;
  }

  add(ticket: Ticket<T, U>): void {
    const priority = Math.min(priorities.highest, Math.max(priorities.lowest, ticket.priority));
    this.#waiting.push({ ...ticket, due: this.#calls - callsPerPriority * priority });
  }

  /** Turns away all whose signal has been aborted. */
  prune(): void {
    const gone = this.#waiting.filter(({ signal }) => signal?.aborted);
    if (gone.length === 0) return;
    this.#waiting = this.#waiting.filter(({ signal }) => !signal?.aborted);
    for (const { signal, reject } of gone) reject(signal!.reason);
  }

  rejectAll(error: Error): void {
    for (const { reject } of this.#waiting.splice(0)) reject(error);
  }

  /** Makes one call for as many tickets as fit and settles them; its error is theirs alone. */
  async callOnce(now: () => number): Promise<void> {
    const tickets = this.#take();
    this.#calls++;
    const rows = tickets.flatMap(ticket => ticket.rows);
    const started = now();
    try {
      const answers = await this.#call(rows);
      let start = 0;
      for (const ticket of tickets) {
        ticket.resolve(answers.slice(start, start + ticket.rows.length));
        start += ticket.rows.length;
      }
      this.#limit.seen(rows.length, now() - started);
    } catch (error) {
      for (const { reject } of tickets) reject(error);
    }
    this.time += now() - started;
  }

  /** The first in line and whatever else fits beside it; what does not fit is first in line next time. */
  #take(): Waiting<T, U>[] {
    this.#waiting.sort((a, b) => a.due - b.due); // stable: first come, first served
    let room = this.#limit.rows;
    const taken = this.#waiting.filter(({ rows }, index) => {
      if (index > 0 && rows.length > room) return false;
      room -= rows.length;
      return true;
    });
    const chosen = new Set(taken);
    this.#waiting = this.#waiting.filter(ticket => !chosen.has(ticket));
    return taken;
  }
}
