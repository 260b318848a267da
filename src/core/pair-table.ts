/** A table from pairs of whole numbers to whole numbers, all from 0 on: twelve bytes for each place, and no objects. */

const none = -1;

export class PairTable {
  /** Places of three numbers each: the pair, and its value. */
  readonly #places: Int32Array;
  readonly #mask: number;

  /** @param entries of several values for one pair the last counts */
  constructor(entries: readonly (readonly [first: number, second: number, value: number])[]) {
    // Half of the places stay empty, so that few pairs are looked for at more than one.
    const size = 2 ** Math.ceil(Math.log2(2 * entries.length + 2));
    this.#mask = size - 1;
    this.#places = new Int32Array(3 * size).fill(none);
    for (const [first, second, value] of entries)
      this.#places.set([first, second, value], 3 * this.#find(first, second));
  }

  /** The value of a pair, or -1. */
  get(first: number, second: number): number {
    return this.#places[3 * this.#find(first, second) + 2]!;
  }

  /** Where a pair is, or would be. */
  #find(first: number, second: number): number {
    const hash = Math.imul(first, 0x9e3779b1) ^ Math.imul(second, 0x85ebca6b);
    let place = (hash ^ (hash >>> 15)) & this.#mask;
    while (this.#places[3 * place] !== none) {
      if (this.#places[3 * place] === first && this.#places[3 * place + 1] === second) return place;
      place = (place + 1) & this.#mask;
    }
    return place;
  }
}
