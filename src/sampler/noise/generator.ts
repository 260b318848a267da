/**
 * Seeded random numbers that equal those of torch's CPU generator one by one, so that a seed gives the same picture in
 * Duet and in diffusers. Integers and uniforms agree exactly; normals to about 1e-7, the accuracy of torch's
 * single-precision log, sin and cos.
 *
 * Torch draws normals (Box and Muller, 1958) in two ways. Up to 15 numbers are drawn one by one in double precision, and
 * the second of each pair is kept for the next such draw. From 16 numbers on, groups of 16
 * single-precision uniforms are transformed in place, and if their number is not a multiple of 16, the last 16 are drawn again as a group.
 */
import { DuetError } from '../../core/errors.ts';
import { sizeOf } from '../../core/host-tensor.ts';
import { MersenneTwister, seedTwister, type TwisterState } from './mersenne-twister.ts';

const GROUP = 16;

/** A number of elements, or a shape with that many. */
export type Extent = number | readonly number[];

/** What `NoiseGenerator.state` holds and `createGenerator` accepts: plain data that survives a file. */
export interface GeneratorState extends TwisterState {
  /** The second normal of a pair, kept for the next draw of less than 16. */
  readonly cachedNormal: number | undefined;
}

/** A stream of random numbers; every draw moves it on. Make one with `createGenerator`. */
export class NoiseGenerator {
  readonly #bits: MersenneTwister;
  #cachedNormal: number | undefined;

  constructor(state: GeneratorState) {
    this.#bits = new MersenneTwister(state);
    this.#cachedNormal = state.cachedNormal;
  }

  /** A copy of the state: a generator made from it draws the same numbers from here on. */
  get state(): GeneratorState {
    return { ...this.#bits.state, cachedNormal: this.#cachedNormal };
  }

  /** Standard normal numbers, `torch.randn`. */
  randn(extent: Extent): Float32Array {
    const normals = new Float32Array(countOf(extent));
    return normals.length < GROUP ? this.#fillOneByOne(normals) : this.#fillInGroups(normals, () => this.#uniform32());
  }

  /** Standard normal numbers in double precision, `torch.randn(dtype=torch.float64)`. */
  randn64(extent: Extent): Float64Array {
    const normals = new Float64Array(countOf(extent));
    return normals.length < GROUP ? this.#fillOneByOne(normals) : this.#fillInGroups(normals, () => this.#uniform64());
  }

  /** Uniform numbers in [0, 1), `torch.rand`. */
  rand(extent: Extent): Float32Array {
    return new Float32Array(countOf(extent)).map(() => this.#uniform32());
  }

  /** Uniform numbers in [0, 1) in double precision, `torch.rand(dtype=torch.float64)`. */
  rand64(extent: Extent): Float64Array {
    return new Float64Array(countOf(extent)).map(() => this.#uniform64());
  }

  /** Integers from `low` to `high - 1`, `torch.randint`; the range must be smaller than 2^32. */
  randint(low: number, high: number, extent: Extent): number[] {
    const range = high - low;
    if (!Number.isSafeInteger(low) || !Number.isSafeInteger(range) || range < 1 || range >= 2 ** 32) {
      throw new DuetError(
        'invalid-argument',
        `randint needs integers with low < high < low + 2^32, got [${low}, ${high})`,
      );
    }
    return Array.from({ length: countOf(extent) }, () => low + (this.#bits.next() % range));
  }

  /** The numbers 0 .. n - 1 in random order, `torch.randperm`. */
  randperm(n: number): number[] {
    const order = Array.from({ length: countOf(n) }, (_, index) => index);
    for (let i = 0; i < n - 1; i++) {
      const j = i + (this.#bits.next() % (n - i));
      [order[i], order[j]] = [order[j]!, order[i]!];
    }
    return order;
  }

  #uniform32(): number {
    return (this.#bits.next() & 0xffffff) / 2 ** 24;
  }

  #uniform64(): number {
    const high = this.#bits.next() & 0x1fffff;
    return (high * 2 ** 32 + this.#bits.next()) / 2 ** 53;
  }

  #fillOneByOne<A extends Float32Array | Float64Array>(normals: A): A {
    for (let i = 0; i < normals.length; i++) {
      if (this.#cachedNormal !== undefined) {
        normals[i] = this.#cachedNormal;
        this.#cachedNormal = undefined;
        continue;
      }
      const angle = 2 * Math.PI * this.#uniform64();
      const radius = Math.sqrt(-2 * Math.log1p(-this.#uniform64()));
      normals[i] = radius * Math.cos(angle);
      this.#cachedNormal = radius * Math.sin(angle);
    }
    return normals;
  }

  #fillInGroups<A extends Float32Array | Float64Array>(normals: A, uniform: () => number): A {
    for (let i = 0; i < normals.length; i++) normals[i] = uniform();
    for (let start = 0; start + GROUP <= normals.length; start += GROUP) transformGroup(normals, start);
    if (normals.length % GROUP !== 0) {
      const start = normals.length - GROUP;
      for (let i = start; i < normals.length; i++) normals[i] = uniform();
      transformGroup(normals, start);
    }
    return normals;
  }
}

/** A generator at the start of a seed's stream (any integer; its low 32 bits count), or at a state saved earlier. */
export function createGenerator(seed: number | GeneratorState): NoiseGenerator {
  if (typeof seed !== 'number') return new NoiseGenerator(seed);
  if (!Number.isSafeInteger(seed)) {
    throw new DuetError('invalid-argument', `A seed is an integer below 2^53, got ${seed}`);
  }
  return new NoiseGenerator({ ...seedTwister(seed), cachedNormal: undefined });
}

/** Box and Muller's transform of 16 uniforms in place: the pairs are (j, j + 8). Single precision rounds as torch does. */
function transformGroup(values: Float32Array | Float64Array, start: number): void {
  const round = values instanceof Float32Array ? Math.fround : (value: number) => value;
  const half = GROUP / 2;
  for (let j = start; j < start + half; j++) {
    const radius = round(Math.sqrt(round(-2 * round(Math.log(1 - values[j]!)))));
    const angle = round(round(2 * Math.PI) * values[j + half]!);
    values[j] = radius * round(Math.cos(angle));
    values[j + half] = radius * round(Math.sin(angle));
  }
}

function countOf(extent: Extent): number {
  const count = typeof extent === 'number' ? extent : sizeOf(extent);
  if (!Number.isSafeInteger(count) || count < 0) {
    throw new DuetError('invalid-argument', `A number of elements is an integer from 0 on, got ${String(extent)}`);
  }
  return count;
}
