import fc from 'fast-check';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { PairMerger } from './pair-merger.ts';
import { PairTable } from './pair-table.ts';

type Pair = readonly [left: string, right: string];

/** As the algorithm is told: the leftmost of the pairs that stand first in the list, again and again. */
function mergedOneByOne(symbols: readonly string[], merges: readonly Pair[]): string[] {
  const ranks = new Map(merges.map((pair, rank) => [pair.join(' '), rank]));
  const current = [...symbols];
  for (;;) {
    const found = current.slice(1).map((right, at) => ranks.get(`${current[at]} ${right}`) ?? Number.POSITIVE_INFINITY);
    const rank = Math.min(...found);
    if (!Number.isFinite(rank)) return current;
    const at = found.indexOf(rank);
    current.splice(at, 2, current[at]! + current[at + 1]!);
  }
}

describe('merging', () => {
  it('joins pairs in the order of the list, the leftmost of them first, whatever the list is', () => {
    const letter = fc.constantFrom('a', 'b', 'c');
    const part = fc.string({ unit: letter, minLength: 1, maxLength: 4 });
    const merges = fc.array(fc.tuple(part, part), { maxLength: 30 });
    const symbols = fc.array(fc.oneof(letter, fc.constant('unknown')), { maxLength: 40 });
    fc.assert(
      fc.property(merges, symbols, (list, text) => {
        expect(new PairMerger(list).merge(text)).toEqual(mergedOneByOne(text, list));
      }),
      { numRuns: 500 },
    );
  });

  it('joins what overlaps from the left', () => {
    expect(new PairMerger([['a', 'a']]).merge([...'aaaaa'])).toEqual(['aa', 'aa', 'a']);
  });
});

describe('the work', () => {
  afterEach(() => vi.restoreAllMocks());

  it.each([['a'], ['ab'], ['aab']])('grows with the number of symbols alone, of %s again and again', unit => {
    const doubling = Array.from({ length: 12 }, (_, power) => unit.repeat(2 ** power));
    const merges: Pair[] = [['a', 'a'], ['a', 'b'], ['aa', 'b'], ...doubling.map((half): Pair => [half, half])];
    const symbols = [...unit.repeat(60_000 / unit.length)];
    const merger = new PairMerger(merges);
    const looks = vi.spyOn(PairTable.prototype, 'get');
    expect(merger.merge(symbols).join('')).toBe(symbols.join(''));
    expect(looks.mock.calls.length).toBeLessThan(3 * symbols.length);
  });
});

describe('a table of pairs', () => {
  it('holds what a map of their texts does', () => {
    const number = fc.nat({ max: 20 });
    fc.assert(
      fc.property(fc.array(fc.tuple(number, number, fc.nat())), entries => {
        const table = new PairTable(entries);
        const map = new Map(entries.map(([first, second, value]) => [`${first} ${second}`, value]));
        for (let first = 0; first <= 20; first++) {
          for (let second = 0; second <= 20; second++) {
            expect(table.get(first, second)).toBe(map.get(`${first} ${second}`) ?? -1);
          }
        }
      }),
    );
  });
});
