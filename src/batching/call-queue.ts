/** The queued requests for one kind of network call, and the choice of those that the next call takes. */
import { AbortGroups } from '../core/abort-groups.ts';
import type { BatchLimit } from './batch-limit.ts';

/** Rows of a request that one call computes together. */
export interface Ticket<T, U> {
  readonly rows: readonly T[];
  /** Clamped to {@link priorities}. */
  readonly priority: number;
  readonly signal: AbortSignal | undefined;
  readonly resolve: (results: U[]) => void;
  readonly reject: (error: unknown) => void;
}

/** Each unit of priority moves a ticket ahead of those that arrived up to this many calls earlier. */
const callsPerPriority = 4;
const priorities = { lowest: -10, highest: 10 };

interface Waiting<T, U> extends Ticket<T, U> {
  /**
   * The number of calls before its arrival, less its advance by priority; the smallest is served first, so no ticket
   * waits for ever.
   */
  readonly due: number;
  /** The call that it is part of, once that has begun. */
  call?: RunningCall<T, U>;
}

interface RunningCall<T, U> {
  /** Its tickets that were not aborted; when none is left the call is aborted. */
  readonly needed: Set<Waiting<T, U>>;
  readonly controller: AbortController;
}

/** Makes one network call; `signal` aborts when all tickets of the call were aborted. */
export type NetworkCall<T, U> = (rows: readonly T[], signal: AbortSignal) => Promise<readonly U[]>;

export class CallQueue<T, U> {
  /** Milliseconds that calls of this kind have used; the kind with the least is next. */
  time = 0;
  readonly #call: NetworkCall<T, U>;
  readonly #limit: BatchLimit;
  #waiting: Waiting<T, U>[] = [];
  /** Tickets that are not settled. */
  readonly #abortable = new AbortGroups<Waiting<T, U>>((ticket, reason) => this.#abandon(ticket, reason));
  #calls = 0;
  #rowsInCalls = 0;

  constructor(call: NetworkCall<T, U>, limit: BatchLimit) {
    this.#call = call;
    this.#limit = limit;
  }

  get isEmpty(): boolean {
    return this.#waiting.length === 0;
  }

  /**
   * Whether to wait for further requests would gain nothing: the queued rows fill a call, or could not share one with those
   * that are being computed.
   */
  get isFull(): boolean {
    const queued = this.#waiting.reduce((sum, { rows }) => sum + rows.length, 0);
    return queued >= this.#limit.rows || (queued > 0 && queued + this.#rowsInCalls > this.#limit.rows);
  }

  /** Queues a ticket. An abort of its signal rejects it at once, whether it is queued or in a running call. */
  add(ticket: Ticket<T, U>): void {
    const priority = Math.min(priorities.highest, Math.max(priorities.lowest, ticket.priority));
    const waiting: Waiting<T, U> = { ...ticket, due: this.#calls - callsPerPriority * priority };
    this.#waiting.push(waiting);
    this.#abortable.add(ticket.signal, waiting);
  }

  #abandon(ticket: Waiting<T, U>, reason: unknown): void {
    ticket.reject(reason);
    this.#waiting = this.#waiting.filter(other => other !== ticket);
    if (ticket.call?.needed.delete(ticket) && ticket.call.needed.size === 0) ticket.call.controller.abort(reason);
  }

  rejectAll(error: Error): void {
    for (const ticket of this.#waiting.splice(0)) {
      this.#abortable.delete(ticket.signal, ticket);
      ticket.reject(error);
    }
  }

  /**
   * Makes one call for as many tickets as fit and settles them; if the call fails, only they are rejected.
   * @param timeUsed the milliseconds for which the call had the device, asked once when it has ended
   */
  async callOnce(timeUsed: () => number): Promise<void> {
    const tickets = this.#take();
    this.#calls++;
    const call: RunningCall<T, U> = { needed: new Set(tickets), controller: new AbortController() };
    for (const ticket of tickets) ticket.call = call;
    const rows = tickets.flatMap(ticket => ticket.rows);
    this.#rowsInCalls += rows.length;
    const outcome = await this.#call(rows, call.controller.signal).then(
      results => ({ results }),
      (error: unknown) => ({ error }),
    );
    this.#rowsInCalls -= rows.length;
    const milliseconds = timeUsed();
    this.time += milliseconds;
    if ('results' in outcome) {
      this.#limit.seen(rows.length, milliseconds);
      let start = 0;
      for (const ticket of tickets) {
        ticket.resolve(outcome.results.slice(start, start + ticket.rows.length));
        start += ticket.rows.length;
      }
    } else {
      for (const { reject } of tickets) reject(outcome.error);
    }
    for (const ticket of tickets) this.#abortable.delete(ticket.signal, ticket);
  }

  /** Takes the first ticket and all others that still fit; those that do not fit keep their order. */
  #take(): Waiting<T, U>[] {
    this.#waiting.sort((a, b) => a.due - b.due); // stable, so that equals stay in the order of arrival
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
