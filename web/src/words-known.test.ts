import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { addWord, markedParts, replaceWord, suggestionsFor } from './words-known.ts';

describe('markedParts', () => {
  it('marks whole words in any case', () => {
    expect(markedParts('A Zebra and zebras, zebra', ['zebra'])).toEqual([
      { text: 'A ', isMarked: false },
      { text: 'Zebra', isMarked: true },
      { text: ' and zebras, ', isMarked: false },
      { text: 'zebra', isMarked: true },
    ]);
    expect(markedParts('猫 (x)?', ['猫', '(x)'])).toMatchObject([{ isMarked: true }, {}, { isMarked: true }, {}]);
  });

  it('loses nothing of any text', () => {
    fc.assert(
      fc.property(fc.string(), fc.array(fc.string({ minLength: 1 })), (text, words) => {
        expect(
          markedParts(text, words)
            .map(part => part.text)
            .join(''),
        ).toBe(text);
      }),
    );
  });
});

describe('suggestions', () => {
  const vocabulary = ['apple', 'apples', 'bear', 'bears', 'bee', 'cat', 'zeppelin'];

  it('begin alike or are near', () => {
    expect(suggestionsFor('appl', vocabulary)).toEqual(['apple', 'apples']);
    expect(suggestionsFor('Beer', vocabulary)).toEqual(['bee', 'bear']);
    expect(suggestionsFor('quantum', vocabulary)).toEqual([]);
  });

  it('take the place of the word', () => {
    expect(replaceWord('two Beer and beers', 'beer', 'bears')).toBe('two bears and beers');
    expect(replaceWord('two hats', 'beer', 'bears')).toBe('two hats');
  });
});

it('adds a word', () => {
  expect(['', 'a', 'a '].map(text => addWord(text, 'cat'))).toEqual(['cat', 'a cat', 'a cat']);
});
