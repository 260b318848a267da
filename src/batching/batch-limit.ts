/** How many rows one network call should take on this device: as configured, or found out from the calls themselves. */

/** The most rows of a call, which may change as calls are seen. */
export interface BatchLimit {
  readonly rows: number;
  /** Reports a call that took `milliseconds`. */
  seen(rows: number, milliseconds: number): void;
}

export function fixedLimit(rows: number): BatchLimit {
  return { rows, seen: () => {} };
}

const smallest = 8;
const largest = 256;
/** Calls of one size that are compared by the quickest, for other programs make some of them late. */
const trials = 3;
/** Twice the rows must cost at least this much less time per row, else they are not worth the wait. */
const gain = 0.05;

/**
 * Starts small and doubles as long as full calls of twice the size are quicker per row. Nothing is run for it: it learns
 * from calls that have to be made anyway.
 */
export class MeasuredLimit implements BatchLimit {
  #rows = smallest;
  #settled = false;
  #before = Number.POSITIVE_INFINITY;
  #quickest = Number.POSITIVE_INFINITY;
  #calls = 0;

  get rows(): number {
    return this.#rows;
  }

  seen(rows: number, milliseconds: number): void {
    // Queries are not cut, so a call may be a little short of the limit and still count as full.
    if (this.#settled || rows < 0.75 * this.#rows) return;
    this.#quickest = Math.min(this.#quickest, milliseconds / rows);
    this.#calls++;
    if (this.#calls < trials) return;
    const worthIt = this.#quickest < (1 - gain) * this.#before;
    if (!worthIt) this.#rows /= 2;
    this.#settled = !worthIt || this.#rows >= largest;
    if (this.#settled) return;
    this.#before = this.#quickest;
    this.#quickest = Number.POSITIVE_INFINITY;
    this.#calls = 0;
    this.#rows *= 2;
  }
}
