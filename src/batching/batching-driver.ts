/**
 * All network calls of one loaded model. Requests of all its concurrent users are queued here. A network call takes the
 * queued requests of one kind, up to the limit of the batch, so that text to image at step 3, captioning at step 17 and a
 * joint sample at step 40 share one forward pass. Requests that arrive during a call take part in a later one.
 *
 * - The device computes one call after the other. While it computes one, the next is sent ahead if it is full, so that the
 *   device does not wait while this process makes new requests of the results. A call that is not full is made only when
 *   none is running: the runs that the running one serves have their next requests to add to it.
 * - Requests of one kind are served in the order of arrival. A priority moves a request ahead by a bounded number of
 *   calls, so that every request is served after finitely many calls.
 * - Of the kinds (noise prediction, encoding of pictures, decoding of captions, ...) the one that has used the least time is
 *   next, so that neither denoising nor the many small steps of a caption wait for long while pictures are decoded.
 * - An aborted request is rejected at once. A call is aborted when all of its requests are.
 * - A result depends on the rows of its own request alone, as far as the networks' arithmetic does not depend on the batch.
 */
import { DuetError } from '../core/errors.ts';
import { type BatchLimit, fixedLimit } from './batch-limit.ts';
import { CallQueue, type NetworkCall } from './call-queue.ts';

export interface CallOptions {
  readonly signal?: AbortSignal;
  /** Of requests that are queued at the same time the one with the highest priority is served first. @default 0 */
  readonly priority?: number;
}

/** Those among other options. */
export function callOptions({
  signal,
  priority,
}: { [K in keyof CallOptions]: CallOptions[K] | undefined }): CallOptions {
  return { ...(signal && { signal }), ...(priority !== undefined && { priority }) };
}

/** Computes one result for each row, in order. */
export type RowsCall<T, U> = (rows: readonly T[], options: CallOptions) => Promise<U[]>;

export interface KindOptions {
  readonly limit: BatchLimit | number;
  /** Number of neighbouring rows of a request that stay in one call; a longer request is split after so many. @default 1 */
  readonly unit?: number;
}

/** The part of a queue that the choice of the next kind needs. */
type AnyQueue = Pick<CallQueue<unknown, unknown>, 'time' | 'isEmpty' | 'isFull' | 'rejectAll' | 'callOnce'>;

/** Calls that are sent to the device and not answered: the one that it computes and one sent ahead. */
const mostRunning = 2;

export class BatchingDriver {
  readonly #queues: AnyQueue[] = [];
  readonly #now: () => number;
  /**
   * The time that the kind of the last call had used before it. A kind that was idle starts from it, without a credit of
   * unused time.
   */
  #time = 0;
  #isAwake = false;
  #running = 0;
  #lastEnd = Number.NEGATIVE_INFINITY;
  #closed = false;

  /** @param now a clock in milliseconds, for tests */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** Adds a kind of call and returns it batched over all that use it at the same time. */
  batched<T, U>(call: NetworkCall<T, U>, { limit, unit = 1 }: KindOptions): RowsCall<T, U> {
    const queue = new CallQueue<T, U>(call, typeof limit === 'number' ? fixedLimit(limit) : limit);
    this.#queues.push(queue);
    return async (rows, { signal, priority = 0 }) => {
      signal?.throwIfAborted();
      this.#assertOpen();
      if (rows.length > 0 && queue.isEmpty) queue.time = Math.max(queue.time, this.#time);
      const parts = unitsOf(rows, unit).map(
        part =>
          new Promise<U[]>((resolve, reject) => {
            queue.add({ rows: part, priority, signal, resolve, reject });
          }),
      );
      this.#wake();
      return (await Promise.all(parts)).flat();
    };
  }

  /** Rejects all queued and all later requests. A call that is running is completed. */
  close(): void {
    this.#closed = true;
    for (const queue of this.#queues) queue.rejectAll(released());
  }

  #assertOpen(): void {
    if (this.#closed) throw released();
  }

  /** Looks for the next call in the next turn of the event loop, so that all requests of this turn can share it. */
  #wake(): void {
    if (this.#isAwake) return;
    this.#isAwake = true;
    setImmediate(() => {
      this.#isAwake = false;
      this.#callNext();
    });
  }

  /** Makes at most one call, as networks that compute in this thread let it handle nothing else meanwhile. */
  #callNext(): void {
    const next = this.#running < mostRunning ? this.#nextQueue() : undefined;
    if (!next || (this.#running > 0 && !next.isFull)) return;
    this.#time = next.time;
    this.#running++;
    const started = this.#now();
    const timeUsed = () => {
      const ended = this.#now();
      const used = ended - Math.max(started, this.#lastEnd);
      this.#lastEnd = ended;
      return used;
    };
    void next.callOnce(timeUsed).then(() => {
      this.#running--;
      this.#wake();
    });
    this.#wake();
  }

  #nextQueue(): AnyQueue | undefined {
    const waiting = this.#queues.filter(queue => !queue.isEmpty);
    return waiting.reduce<AnyQueue | undefined>(
      (best, queue) => (best && best.time <= queue.time ? best : queue),
      undefined,
    );
  }
}

function unitsOf<T>(rows: readonly T[], unit: number): (readonly T[])[] {
  return Array.from({ length: Math.ceil(rows.length / unit) }, (_, index) =>
    rows.slice(index * unit, (index + 1) * unit),
  );
}

function released(): DuetError {
  return new DuetError('released', 'The model was released; load it again to use it');
}
