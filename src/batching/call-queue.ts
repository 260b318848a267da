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

/** Makes one network call; `signal` aborts when nobody needs its answer any more. */
export type NetworkCall<T, U> = (rows: readonly T[], signal: AbortSignal) => Promise<readonly U[]>;

export class CallQueue<T, U> {
  /** Milliseconds that this kind of call has had, for taking turns with the other kinds. */
  time = 0;
  readonly #call: NetworkCall<T, U>;
  readonly #limit: BatchLimit;
  #waiting: Waiting<T, U>[] = [];
  /** The tickets of the call under way whose answers are still needed, and what ends that call. */
  readonly #inCall = new Set<Waiting<T, U>>();
  #controller = new AbortController();
  readonly #watched = new Map<AbortSignal, { readonly tickets: Set<Waiting<T, U>>; readonly stop: () => void }>();
  #calls = 0;

  constructor(call: NetworkCall<T, U>, limit: BatchLimit) {
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

  /** An abort of the ticket's signal rejects it at once, whether it waits or its call is under way. */
  add(ticket: Ticket<T, U>): void {
    const priority = Math.min(priorities.highest, Math.max(priorities.lowest, ticket.priority));
    const waiting: Waiting<T, U> = { ...ticket, due: this.#calls - callsPerPriority * priority };
    this.#waiting.push(waiting);
    this.#watch(waiting);
  }

  /** One listener a signal, however many tickets it is of: the samples of a call share theirs. */
  #watch(ticket: Waiting<T, U>): void {
    const { signal } = ticket;
    if (!signal) return;
    const known = this.#watched.get(signal);
    if (known) {
      known.tickets.add(ticket);
      return;
    }
    const tickets = new Set([ticket]);
    const abandon = () => {
      this.#watched.delete(signal);
      for (const abandoned of tickets) this.#abandon(abandoned, signal.reason);
    };
    signal.addEventListener('abort', abandon, { once: true });
    this.#watched.set(signal, { tickets, stop: () => signal.removeEventListener('abort', abandon) });
  }

  /** Stops watching the signal of a ticket that is settled. */
  #unwatch(ticket: Waiting<T, U>): void {
    const { signal } = ticket;
    const watched = signal && this.#watched.get(signal);
    if (!watched?.tickets.delete(ticket) || watched.tickets.size > 0) return;
    watched.stop();
    this.#watched.delete(signal!);
  }

  #abandon(ticket: Waiting<T, U>, reason: unknown): void {
    ticket.reject(reason);
    this.#waiting = this.#waiting.filter(other => other !== ticket);
    if (this.#inCall.delete(ticket) && this.#inCall.size === 0) this.#controller.abort(reason);
  }

  rejectAll(error: Error): void {
    for (const ticket of this.#waiting.splice(0)) {
      this.#unwatch(ticket);
      ticket.reject(error);
    }
  }

  /** Makes one call for as many tickets as fit and settles them; its error is theirs alone. */
  async callOnce(now: () => number): Promise<void> {
    const tickets = this.#take();
    this.#calls++;
    for (const ticket of tickets) this.#inCall.add(ticket);
    this.#controller = new AbortController();
    const rows = tickets.flatMap(ticket => ticket.rows);
    const started = now();
    try {
      const answers = await this.#call(rows, this.#controller.signal);
      let start = 0;
      for (const ticket of tickets) {
        ticket.resolve(answers.slice(start, start + ticket.rows.length));
        start += ticket.rows.length;
      }
      this.#limit.seen(rows.length, now() - started);
    } catch (error) {
      for (const { reject } of tickets) reject(error);
    }
    for (const ticket of tickets) this.#unwatch(ticket);
    this.#inCall.clear();
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
