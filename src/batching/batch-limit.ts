/** The number of rows that one network call should take on this device: configured, or measured during calls. */

/** The largest number of rows of a call; it may change with the measured calls. */
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
/** Calls of one size of which the quickest counts, since other programs slow some of them down. */
const trials = 3;
/** The limit is doubled only while that reduces the time per row by at least this share. */
const gain = 0.05;

/**
 * Starts small and is doubled as long as full calls of twice the size take less time per row. Only calls that users
 * requested are measured; none is made for the measurement.
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
    // A ticket is never split, so a call counts as full even if it has somewhat fewer rows than the limit.
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
