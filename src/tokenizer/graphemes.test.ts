import fc from 'fast-check';
import { afterEach, expect, it, vi } from 'vitest';
import { graphemes } from './graphemes.ts';

const segmenter = new Intl.Segmenter('und', { granularity: 'grapheme' });
const segmented = (text: string) => Array.from(segmenter.segment(text), ({ segment }) => segment);

afterEach(() => vi.restoreAllMocks());

it('gives the clusters that the segmenter finds in the whole text', () => {
  // Marks, joiners, flags, tags, Hangul, Indic conjuncts, a prefix, line ends, halves of pairs.
  const unit = fc.constantFrom(
    ...['a', ' ', '\r', '\n', '\u0300', '\u200d', '\u{1f469}', '\u{1f3fb}', '\u{1f1e9}', '\u{1f3f4}', '\u{e0061}'],
    ...['\u1100', '\u1161', '\u11a8', '\uac01', '\u0915', '\u094d', '\u0937', '\u0600', '\u6f22', '\ud83d', '\ude00'],
  );
  const text = fc.uniqueArray(unit, { minLength: 1, maxLength: 4 }).chain(few =>
    fc.string({
      unit: fc.oneof({ arbitrary: fc.constantFrom(...few), weight: 9 }, { arbitrary: unit, weight: 1 }),
      maxLength: 400,
      size: 'max',
    }),
  );
  fc.assert(
    fc.property(text, given => {
      expect([...graphemes(given)]).toEqual(segmented(given));
    }),
    { numRuns: 300 },
  );
});

it.each(['a', 'é', '漢', '\u0300', '\u{1f1e9}', 'e\u0301', '\u{1f469}\u200d'])(
  'the segmenter is given little more than the text, of %s again and again',
  unit => {
    const text = unit.repeat(20_000 / unit.length);
    const given = vi.spyOn(Intl.Segmenter.prototype, 'segment');
    expect([...graphemes(text)].join('')).toBe(text);
    const units = given.mock.calls.reduce((sum, [part]) => sum + part.length, 0);
    expect(units).toBeLessThan(4 * text.length);
    // What each cluster takes grows with the text around it.
    const longest = Math.max(0, ...given.mock.calls.map(([part]) => part.length));
    const clusters = segmented(unit.repeat(100 / unit.length)).length;
    if (clusters > 10) expect(longest).toBeLessThan(200);
  },
);
