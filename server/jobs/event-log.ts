/**
 * The events of one job, to be read from any id on. Events that a newer one of their kind replaces (progress, previews,
 * positions) are dropped, so that memory is bounded and a slow reader skips them.
 */
import type { JobEvent } from './types.ts';

/** A `JobEvent` before it has its number. */
export type NewJobEvent = JobEvent extends infer Event ? (Event extends unknown ? Omit<Event, 'id'> : never) : never;

const replaceable: ReadonlySet<JobEvent['type']> = new Set(['queued', 'progress', 'preview']);
const last: ReadonlySet<JobEvent['type']> = new Set(['completed', 'failed', 'cancelled']);

export class EventLog {
  #events: JobEvent[] = [];
  #lastId: number;
  #isClosed = false;
  readonly #readers = new Set<() => void>();
  readonly #listener: ((event: JobEvent) => void) | undefined;

  /** Ids continue after `lastId`; `listener` is called with every event at once, including those that readers may skip. */
  constructor(lastId = 0, listener?: (event: JobEvent) => void) {
    this.#lastId = lastId;
    this.#listener = listener;
  }

  get lastId(): number {
    return this.#lastId;
  }

  append(event: NewJobEvent): void {
    if (this.#isClosed) return;
    const numbered = { ...event, id: ++this.#lastId } as JobEvent;
    if (replaceable.has(event.type)) this.#events = this.#events.filter(({ type }) => type !== event.type);
    this.#events.push(numbered);
    this.#listener?.(numbered);
    if (last.has(event.type)) this.close();
    else this.#wakeReaders();
  }

  /** Ends all readers, also without a last event: the server stops, and the job is continued after its restart. */
  close(): void {
    this.#isClosed = true;
    this.#wakeReaders();
  }

  /** Events after the id `after`, then live ones, until the job is over, the log is closed or `signal` aborts. */
  async *read(after = 0, signal?: AbortSignal): AsyncGenerator<JobEvent, void> {
    let seen = after;
    while (!signal?.aborted) {
      const next = this.#events.find(({ id }) => id > seen);
      if (next) {
        seen = next.id;
        yield next;
      } else if (this.#isClosed) {
        return;
      } else {
        await this.#change(signal);
      }
    }
  }

  #wakeReaders(): void {
    for (const wake of [...this.#readers]) wake();
  }

  #change(signal?: AbortSignal): Promise<void> {
    return new Promise(resolve => {
      const wake = () => {
        this.#readers.delete(wake);
        signal?.removeEventListener('abort', wake);
        resolve();
      };
      this.#readers.add(wake);
      signal?.addEventListener('abort', wake);
      if (signal?.aborted) wake();
    });
  }
}
