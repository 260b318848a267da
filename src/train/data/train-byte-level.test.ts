import { expect, it } from 'vitest';
import { JsonTokenizer } from '../../tokenizer/index.ts';
import { trainByteLevel } from './train-byte-level.ts';

const texts = ['Draw two foxes.', 'draw a fox', 'Two foxes and a fox, please.', 'Draw a fox!', 'draw a cat, please'];
const options = { vocabularySize: 320, special: ['<|user|>', '[IMG0]'] };

it('makes words that come up often one token, and reads back any text', () => {
  const json = trainByteLevel(texts, options);
  const tokenizer = new JsonTokenizer(json, 'here');
  const encode = (text: string) => tokenizer.encode(text, { framed: false });
  expect(encode(' fox')).toHaveLength(1);
  expect(encode('Draw a fox')).toHaveLength(3);
  expect(encode(' cat')).toHaveLength(4); // it came up once
  const size = Object.keys(json.model.vocab).length;
  expect(encode('<|user|>draw[IMG0][IMG0]')).toEqual([size, ...encode('draw'), size + 1, size + 1]);
  for (const text of ['', ' ', 'Zebra 12?\n', 'Füchse 狐 🦊', '\u0000\u007f', ' two  foxes ']) {
    expect(tokenizer.decode(encode(text))).toBe(text);
  }
  expect(size + 2).toBeLessThanOrEqual(320);
  expect(trainByteLevel(texts, options)).toEqual(json);
});

it('has bytes and special tokens at least', () => {
  const least = trainByteLevel(texts, { ...options, vocabularySize: 258 });
  expect(least.model.merges).toEqual([]);
  expect(least.added_tokens.map(({ id }) => id)).toEqual([256, 257]);
  expect(() => trainByteLevel(texts, { ...options, vocabularySize: 257 })).toThrow(/at least 258, got 257/);
});
