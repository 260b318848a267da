/**
 * All network calls of one loaded model. Whatever its concurrent users ask for waits here; one call is made at a time, and
 * it takes all that is waiting of its kind, up to the best batch: text to image at step 3, captioning at step 17 and a joint
 * sample at step 40 share one forward pass. Newcomers join at the next call.
 *
 * - Among calls of a kind: first come, first served, in passes; a priority moves a query ahead by a bounded number of
 *   passes, so that everything is answered in the end.
 * - Among kinds (noise predictions, pictures encoded, words decoded...): the one that has had the least time is next, so
 *   that denoising does not stand still while a batch of pictures is decoded, nor a caption's many small steps behind it.
 * - Who cancels is rejected at once; a call that nobody needs any more is aborted.
 * - An answer depends on its own rows alone, as far as the networks' arithmetic does not depend on the batch.
 */
import { DuetError } from '../core/errors.ts';
import { type BatchLimit, fixedLimit } from './batch-limit.ts';
import { CallQueue, type NetworkCall } from './call-queue.ts';

export interface CallOptions {
  readonly signal?: AbortSignal;
  /** Of calls that wait at the same time the highest is answered first. @default 0 */
  readonly priority?: number;
}

/** Answers rows, one answer each, in order. */
export type RowsCall<T, U> = (rows: readonly T[], options: CallOptions) => Promise<U[]>;

export interface KindOptions {
  readonly limit: BatchLimit | number;
  /** Neighbouring rows of a request that are answered by the same call; longer requests are cut after so many. @default 1 */
  readonly unit?: number;
}

/** A queue of any kind, as far as taking turns goes. */
type AnyQueue = Pick<CallQueue<unknown, unknown>, 'time' | 'isEmpty' | 'isFull' | 'rejectAll' | 'callOnce'>;

export class BatchingDriver {
  readonly #queues: AnyQueue[] = [];
  readonly #now: () => number;
  /** How much time the kind whose turn it was last had had by then: nobody saves up turns while idle. */
  #time = 0;
  #busy = false;
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

  /** Turns away what is waiting and all that is asked from now on. The call that is running goes on to its end. */
  close(): void {
    this.#closed = true;
    for (const queue of this.#queues) queue.rejectAll(released());
  }

  #assertOpen(): void {
    if (this.#closed) throw released();
  }

  #wake(): void {
    if (this.#busy) return;
    this.#busy = true;
    void this.#work();
  }

  async #work(): Promise<void> {
    await eventLoopTurn(); // all that is asked in this turn of the event loop comes together
    for (;;) {
      let next = this.#nextQueue();
      if (!next?.isFull) {
        // Whoever has just been answered asks its next question first, for there is room for it in the next call. If there
        // is none, that call starts at once, and the answered go on with their steps meanwhile.
        await eventLoopTurn();
        next = this.#nextQueue();
      }
      if (!next) break;
      this.#time = next.time;
      // The turn keeps networks that never leave this thread from keeping everybody else out of it.
      await Promise.all([next.callOnce(this.#now), eventLoopTurn()]);
    }
    this.#busy = false;
  }

  #nextQueue(): AnyQueue | undefined {
    const waiting = this.#queues.filter(queue => !queue.isEmpty);
    return waiting.reduce<AnyQueue | undefined>(
      (best, queue) => (best && best.time <= queue.time ? best : queue),
      undefined,
    );
  }
}

function eventLoopTurn(): Promise<void> {
  return new Promise(resolve => setImmediate(resolve));
}

function unitsOf<T>(rows: readonly T[], unit: number): (readonly T[])[] {
  return Array.from({ length: Math.ceil(rows.length / unit) }, (_, index) =>
    rows.slice(index * unit, (index + 1) * unit),
  );
}

function released(): DuetError {
  return new DuetError('released', 'The model was released; load it again to use it');
}
