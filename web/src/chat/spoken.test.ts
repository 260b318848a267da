import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { AnswerPart } from './answer-parts.ts';
import { spokenPieces } from './spoken.ts';

const said = (text: string): AnswerPart => ({ type: 'text', text });
const spoken = (parts: readonly AnswerPart[], isOver: boolean) => spokenPieces(parts, isOver).map(({ text }) => text);
const drawn = (url: string | null): AnswerPart => ({ type: 'image', index: 0, seed: 1, url, preview: null });

describe('what is read aloud', () => {
  it('is whole sentences, the last one when the answer is over', () => {
    const parts = [said('Here are two foxes. They are 1.5 m long! And')];
    expect(spoken(parts, false)).toEqual(['Here are two foxes.', 'They are 1.', '5 m long!']);
    expect(spoken(parts, true).at(-1)).toBe('And');
    expect(spoken([said('Done.')], false)).toEqual([]);
    expect(spoken([said('Done.'), drawn(null)], false)).toEqual(['Done.']);
  });

  it('names a picture when it is there', () => {
    expect(spoken([said('Look. '), drawn(null), said('So.')], true)).toEqual(['Look.', 'So.']);
    expect(spoken([said('Look. '), drawn('/a.png')], false)).toEqual(['Look.', 'Picture 1 is there.']);
  });

  it('does not come anew when a picture before it is finished', () => {
    const before = spokenPieces([said('One. '), drawn(null), said('Two. Three')], false);
    const now = spokenPieces([said('One. '), drawn('/a.png'), said('Two. Three')], false);
    expect(now.filter(({ key }) => key !== 'picture-0')).toEqual(before);
  });

  it('is said once: what was said before stays as more comes', () => {
    const text = fc.string({ unit: fc.constantFrom('a', ' ', '.', '!', '\n', '猫', '。'), maxLength: 40 });
    fc.assert(
      fc.property(text, words => {
        let before: readonly string[] = [];
        for (let length = 0; length <= words.length; length++) {
          const now = spoken([said(words.slice(0, length))], false);
          expect(now.slice(0, before.length)).toEqual(before);
          before = now;
        }
        const whole = spoken([said(words)], true);
        expect(whole.slice(0, before.length)).toEqual(before);
        expect(whole.join('').replaceAll(/\s/g, '')).toBe(words.replaceAll(/\s/g, ''));
      }),
    );
  });
});
