/**
 * The Mersenne Twister MT19937 (Matsumoto and Nishimura, ACM TOMACS 8(1), 1998): the source of random bits behind
 * torch's CPU generator, and therefore behind every published diffusion seed.
 */

const SIZE = 624;
const MIDDLE = 397;
const MATRIX_A = 0x9908b0df;
const UPPER_BIT = 0x80000000;
const LOWER_BITS = 0x7fffffff;

/** The complete state: 624 words and the position of the next one (624: the words are used up). */
export interface TwisterState {
  readonly words: Uint32Array;
  readonly position: number;
}

/** The state that MT19937 takes from a 32-bit seed (of a longer or negative integer the low 32 bits count). */
export function seedTwister(seed: number): TwisterState {
  const words = new Uint32Array(SIZE);
  words[0] = Number(BigInt.asUintN(32, BigInt(seed)));
  for (let j = 1; j < SIZE; j++) {
    const previous = words[j - 1]!;
    words[j] = Math.imul(1812433253, previous ^ (previous >>> 30)) + j;
  }
  return { words, position: SIZE };
}

/** A stream of 32-bit words. Owns its state: `state` hands out a copy. */
export class MersenneTwister {
  readonly #words: Uint32Array;
  #position: number;

  constructor(state: TwisterState) {
    this.#words = state.words.slice();
    this.#position = state.position;
  }

  get state(): TwisterState {
    return { words: this.#words.slice(), position: this.#position };
  }

  /** The next word, uniform over 0 .. 2^32 - 1. */
  next(): number {
    if (this.#position >= SIZE) this.#twist();
    let word = this.#words[this.#position++]!;
    word ^= word >>> 11;
    word ^= (word << 7) & 0x9d2c5680;
    word ^= (word << 15) & 0xefc60000;
    word ^= word >>> 18;
    return word >>> 0;
  }

  #twist(): void {
    const words = this.#words;
    for (let j = 0; j < SIZE; j++) {
      const mixed = (words[j]! & UPPER_BIT) | (words[(j + 1) % SIZE]! & LOWER_BITS);
      words[j] = words[(j + MIDDLE) % SIZE]! ^ (mixed >>> 1) ^ (mixed & 1 ? MATRIX_A : 0);
    }
    this.#position = 0;
  }
}
