import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { beamSearch, contentTokens } from './beam-search.ts';
import { fillTemplate, gapTokens, nextTokens, parseTemplate, type TokenTemplate } from './caption-template.ts';
import { runDecoding } from './decoding.ts';

describe('templates', () => {
  it('have a gap for each word of underscores', () => {
    expect(parseTemplate('a _ on a ___')).toEqual(['a', 'on a', '']);
    expect(parseTemplate('_ _')).toEqual(['', '', '']);
    expect(parseTemplate('snake_case stays _whole_')).toEqual(['snake_case stays _whole_']);
  });

  it('keep the words around the gaps as they are', () => {
    const text = fc.stringMatching(/^[a-zA-Z,.]{1,8}( [a-zA-Z,.]{1,8})?$/);
    fc.assert(
      fc.property(fc.array(text, { minLength: 2, maxLength: 4 }), fc.array(text, { maxLength: 4 }), (texts, words) => {
        const caption = texts.join(' _ ');
        expect(parseTemplate(caption)).toEqual(texts);
        const filled = fillTemplate(texts, words);
        const expected = texts.flatMap((text, k) => (words[k] && k < texts.length ? [text, words[k]] : [text]));
        expect(filled.startsWith(texts[0]!)).toBe(true);
        expect(filled).toBe(expected.join(' '));
      }),
    );
  });
});

const endId = 9;
const template: TokenTemplate = { texts: [[1], [2, 3], []], words: [[4], [5, 6], [5, 7]], endId };

describe('tokens of a template', () => {
  it('follow it word by word', () => {
    const next = (...tokens: number[]) => [...nextTokens(template, tokens)].sort();
    expect(next()).toEqual([1]);
    expect(next(1)).toEqual([4, 5]);
    expect(next(1, 5)).toEqual([6, 7]);
    expect(next(1, 5, 7)).toEqual([2]);
    expect(next(1, 4, 2, 3)).toEqual([4, 5]);
    expect(next(1, 4, 2, 3, 4)).toEqual([endId]);
    expect(next(3)).toEqual([]);
  });

  it('tell what the gaps hold', () => {
    expect(gapTokens(template, [1, 5, 6, 2, 3, 4])).toEqual([[5, 6], [4]]);
    expect(() => gapTokens(template, [1, 4])).toThrow(/does not fit/);
  });

  it('bind a beam search, whatever the network prefers', async () => {
    const allowed = (tokens: readonly number[]) => nextTokens(template, tokens);
    await fc.assert(
      fc.asyncProperty(fc.infiniteStream(fc.double({ min: -20, max: 20, noNaN: true })), async numbers => {
        const next = () => ({ logits: Float32Array.from({ length: 10 }, () => numbers.next().value as number) });
        const beams = await runDecoding(
          beamSearch({ endIds: [endId], maxTokens: 12, allowed }),
          async ({ sequences }) => sequences.map(next),
        );
        const tokens = contentTokens(beams[0]!, [endId]);
        expect(gapTokens(template, tokens)).toHaveLength(2);
        expect(beams.every(({ averageLogprob }) => Number.isFinite(averageLogprob))).toBe(true);
      }),
      { numRuns: 50 },
    );
  });
});
