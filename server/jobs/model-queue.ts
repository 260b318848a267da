/**
 * The queue of one device: a limited number of jobs run at the same time, and a limited number wait, by priority and then
 * in the order of arrival. The model's own driver computes the running ones in common batches.
 */
import PQueue from 'p-queue';

export interface LaneLimits {
  /** Jobs that run together. */
  readonly maxRunning: number;
  /** Jobs that may wait beside those. */
  readonly maxWaiting: number;
}

interface Entry {
  readonly id: string;
  readonly priority: number;
}

export class ModelQueue {
  readonly #limits: LaneLimits;
  readonly #queue: PQueue;
  readonly #moved: (id: string, position: number) => void;
  #waiting: Entry[] = [];
  #running = 0;

  /** `moved` is called whenever the number of jobs ahead of a waiting one changes. */
  constructor(limits: LaneLimits, moved: (id: string, position: number) => void) {
    this.#limits = limits;
    this.#queue = new PQueue({ concurrency: limits.maxRunning });
    this.#moved = moved;
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  get running(): number {
    return this.#running;
  }

  get hasRoom(): boolean {
    return this.#waiting.length + this.#running < this.#limits.maxRunning + this.#limits.maxWaiting;
  }

  /** Jobs ahead of a waiting one; null if it does not wait. */
  position(id: string): number | null {
    const index = this.#waiting.findIndex(entry => entry.id === id);
    return index < 0 ? null : index;
  }

  /** Takes a place in the queue, before the job is ready to `start`. */
  enter(id: string, priority: number): void {
    const behind = this.#waiting.findIndex(entry => entry.priority < priority);
    const index = behind < 0 ? this.#waiting.length : behind;
    this.#waiting.splice(index, 0, { id, priority });
    this.#tellPositions(index);
  }

  /** Runs `run` when the job is next, unless it has left the queue by then. `run` must not throw. */
  start(id: string, priority: number, run: () => Promise<void>): void {
    void this.#queue.add(
      async () => {
        if (!this.leave(id)) return;
        this.#running++;
        try {
          await run();
        } finally {
          this.#running--;
        }
      },
      { priority },
    );
  }

  /** Gives up the place in the queue; false if there is none. */
  leave(id: string): boolean {
    const index = this.position(id);
    if (index === null) return false;
    this.#waiting.splice(index, 1);
    this.#tellPositions(index);
    return true;
  }

  /** Starts no more jobs; those that run are completed. */
  pause(): void {
    this.#queue.pause();
  }

  /** Resolves when no job is running. */
  async whenQuiet(): Promise<void> {
    if (this.#running > 0) await this.#queue.onPendingZero();
  }

  #tellPositions(from: number): void {
    for (const [index, { id }] of [...this.#waiting.entries()].slice(from)) this.#moved(id, index);
  }
}
