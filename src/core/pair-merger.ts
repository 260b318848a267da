/**
 * Merging of byte-pair encoding (Sennrich et al. 2016, arXiv 1508.07909, algorithm 1) in time n log n, whatever the symbols are: of all
 * neighbours those whose merge comes first in the list are joined, the leftmost of them first, as Hugging Face's tokenizers do.
 */
import { PairTable } from './pair-table.ts';

const none = -1;

export class PairMerger {
  /** Numbers of the symbols that are in merges. */
  readonly #numbers = new Map<string, number>();
  readonly #symbols: string[] = [];
  /** Two symbols' numbers to the place of their merge in the list. */
  readonly #ranks: PairTable;
  /** The number of what each merge makes. */
  readonly #made: Int32Array;

  /** @param merges in order; a pair that stands there twice counts where it stands last */
  constructor(merges: readonly (readonly [left: string, right: string])[]) {
    this.#ranks = new PairTable(merges.map(([left, right], rank) => [this.#number(left), this.#number(right), rank]));
    this.#made = Int32Array.from(merges, ([left, right]) => this.#number(left + right));
  }

  /** The symbols that are left when no merge applies any more. */
  merge(symbols: readonly string[]): string[] {
    const count = symbols.length;
    if (count < 2) return [...symbols];
    const numbers = new Int32Array(count);
    // The symbols before and behind each that is left.
    const before = new Int32Array(count);
    const behind = new Int32Array(count);
    for (let at = 0; at < count; at++) {
      numbers[at] = this.#numbers.get(symbols[at]!) ?? none;
      before[at] = at - 1;
      behind[at] = at + 1;
    }
    /** Of each symbol with the one behind it. */
    const ranks = new Int32Array(count);
    const waiting = new MinHeap();
    const rate = (at: number) => {
      const next = behind[at]!;
      const [left, right] = [numbers[at]!, next < count ? numbers[next]! : none];
      const rank = left < 0 || right < 0 ? none : this.#ranks.get(left, right);
      ranks[at] = rank;
      if (rank >= 0) waiting.push(rank * count + at);
    };
    for (let at = 0; at < count; at++) rate(at);
    for (let first = waiting.pop(); first !== undefined; first = waiting.pop()) {
      const rank = Math.floor(first / count);
      const at = first - rank * count;
      if (ranks[at] !== rank) continue; // one of the two has been joined to another one
      const joined = behind[at]!;
      const next = behind[joined]!;
      numbers[at] = this.#made[rank]!;
      ranks[joined] = none;
      behind[at] = next;
      if (next < count) before[next] = at;
      rate(at);
      if (at > 0) rate(before[at]!);
    }
    const left: string[] = [];
    for (let at = 0; at < count; at = behind[at]!) {
      const number = numbers[at]!;
      left.push(number < 0 ? symbols[at]! : this.#symbols[number]!);
    }
    return left;
  }

  #number(symbol: string): number {
    const known = this.#numbers.get(symbol);
    if (known !== undefined) return known;
    const number = this.#symbols.push(symbol) - 1;
    this.#numbers.set(symbol, number);
    return number;
  }
}

/** Numbers of which the smallest comes out first. */
class MinHeap {
  readonly #values: number[] = [];

  push(value: number): void {
    const values = this.#values;
    let at = values.push(value) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (values[parent]! <= value) break;
      values[at] = values[parent]!;
      at = parent;
    }
    values[at] = value;
  }

  pop(): number | undefined {
    const values = this.#values;
    const first = values[0];
    const last = values.pop();
    if (first === undefined || last === undefined || values.length === 0) return first;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= values.length) break;
      if (child + 1 < values.length && values[child + 1]! < values[child]!) child++;
      if (values[child]! >= last) break;
      values[at] = values[child]!;
      at = child;
    }
    values[at] = last;
    return first;
  }
}
