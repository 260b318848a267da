import { describe, expect, it } from 'vitest';
import { checkVocabulary, miniGpt5Vocabulary } from './vocabulary.ts';

const vocabulary = miniGpt5Vocabulary(32_000);

/** Reads each of `tokens` as its id, and any other letter as its code. */
const encoder = (tokens: Readonly<Record<string, number>>) => (text: string) => {
  const ids: number[] = [];
  for (let rest = text; rest !== ''; ) {
    const name = Object.keys(tokens).find(token => rest.startsWith(token));
    ids.push(name === undefined ? rest.charCodeAt(0) : tokens[name]!);
    rest = rest.slice(name?.length ?? 1);
  }
  return ids;
};
const known = Object.fromEntries([...vocabulary.vokens, vocabulary.image].map(({ name, id }) => [name, id]));

describe('the vocabulary', () => {
  it('of MiniGPT-5 has eight vokens and the place of a picture behind the old tokens', () => {
    expect(vocabulary.vokens.map(({ id }) => id)).toEqual([32000, 32001, 32002, 32003, 32004, 32005, 32006, 32007]);
    expect(vocabulary.vokens[7]!.name).toBe('[IMG7]');
    expect(vocabulary.image).toEqual({ name: '<ImageHere>', id: 32008 });
  });

  it('is taken with a tokenizer that reads all of it, and with no other', () => {
    expect(() => checkVocabulary(vocabulary, encoder(known), 32_009)).not.toThrow();
    const { '[IMG3]': _, ...others } = known;
    expect(() => checkVocabulary(vocabulary, encoder(others), 32_009)).toThrow(
      /reads \[IMG3\] as 91 73 .* not as 32003/,
    );
    expect(() => checkVocabulary(vocabulary, encoder({ '[IMG0][IMG1]': 5, ...known }), 32_009)).toThrow(
      /reads \[IMG0\]\[IMG1\]/,
    );
    expect(() => checkVocabulary(vocabulary, encoder(known), 32_008)).toThrow(
      '<ImageHere> has the id 32008, and the language model knows 32008 tokens',
    );
    const twice = { ...vocabulary, image: { name: '<ImageHere>', id: 32_007 } };
    expect(() => checkVocabulary(twice, encoder(known), 32_009)).toThrow('The id 32007 is that of two tokens');
  });
});
