import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { byteSymbols, fromByteSymbols, toByteSymbols } from './byte-symbols.ts';
import { createTokenizer } from './tokenizer.ts';
import { parseTokenizerData, stringifyTokenizerData, tokenizerDataFromFiles } from './tokenizer-file.ts';
import { cleanText, cleanUpSpaces, splitText } from './tokenizer-text.ts';
import { trainTokenizer } from './train-tokenizer.ts';

const captions = ['a red apple', 'two cats on a blue background', 'a dog to the left of a car', "a cat's hat"];
const data = trainTokenizer(captions, { vocabularySize: 512 });
const tokenizer = createTokenizer(data);

/** CLIP's own layout with a few merges: bytes, bytes with </w>, merges, specials. */
function clipLike(merges: readonly string[]) {
  const symbols = [
    ...byteSymbols,
    ...byteSymbols.map(byte => `${byte}</w>`),
    ...merges.map(pair => pair.replace(' ', '')),
    '<|startoftext|>',
    '<|endoftext|>',
  ];
  const vocab = Object.fromEntries(symbols.map((symbol, id) => [symbol, id]));
  return tokenizerDataFromFiles(JSON.stringify(vocab), `#version: 0.2\n${merges.join('\n')}\n`, 'clip');
}

describe('byte symbols', () => {
  it('lists 256 distinct characters, "!" first as in CLIP', () => {
    expect(new Set(byteSymbols).size).toBe(256);
    expect(byteSymbols[0]).toBe('!');
    expect(byteSymbols[188]).toBe('Ā');
    expect(toByteSymbols(' é')).toBe('Ġé'.replace('é', 'Ã©'));
  });
  it('round-trips any text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), text => {
        expect(fromByteSymbols(toByteSymbols(text))).toBe(text);
      }),
    );
  });
});

describe('text before merging', () => {
  it('cleans as CLIP does', () => {
    expect(cleanText('  A\tRED\n\n apple\u0000 ')).toBe('a red apple');
    expect(cleanText('Cafe\u0301')).toBe('caf\u00e9');
    expect(cleanText('a\u732bb')).toBe('a \u732b b');
  });
  it('splits letters, single digits, contractions and the rest', () => {
    expect(splitText("It's 42 cats!! <|endoftext|>", 'clip', ['<|endoftext|>'])).toEqual([
      'it',
      "'s",
      '4',
      '2',
      'cats',
      '!!',
      '<|endoftext|>',
    ]);
    expect(splitText("It's 42  cats", 'gpt2', [])).toEqual(['It', "'s", ' 42', ' ', ' cats']);
  });
  it('cleaning is idempotent', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), text => {
        expect(cleanText(cleanText(text))).toBe(cleanText(text));
      }),
    );
  });
  it('cleans up blanks of decoded text', () => {
    expect(cleanUpSpaces("a dog , it 's red . do n't ' x")).toBe("a dog, it's red. don't'x");
  });
});

describe('CLIP vocabulary', () => {
  it('merges by rank, with the end-of-word mark', () => {
    const clip = createTokenizer(clipLike(['c a', 't </w>', 'ca t</w>', 'a b']));
    const id = (symbol: string) => clipLike(['c a', 't </w>', 'ca t</w>', 'a b']).vocab[symbol];
    expect(clip.encode('cat')).toEqual([id('cat</w>')]);
    expect(clip.encode('Cab')).toEqual([id('ca'), id('b</w>')]);
    expect(clip.encode('cat cat!')).toEqual([id('cat</w>'), id('cat</w>'), 256]);
    expect(clip.decode(clip.encode('A cat, a dog'))).toBe('a cat , a dog');
  });
  it('frames, cuts and pads', () => {
    const clip = createTokenizer(clipLike([]));
    const end = clip.endId;
    expect([...clip.frame('ab', 6)]).toEqual([clip.startId, 64, 256 + 65, end, end, end]);
    expect([...clip.frame('abcdefgh', 4)]).toEqual([clip.startId, 64, 65, end]);
    expect(clip.frameBatch(['a', 'b'], 3).shape).toEqual([2, 3]);
    expect(() => clip.frame('a', 1)).toThrow(/at least 2/);
  });
});

describe('GPT-2 vocabulary', () => {
  const symbols = [...'abcdehnort.,!', 'Ġ', 'Ġt', 'he', 'Ġthe', '<|endoftext|>', '<|EOS|>'];
  const vocab = Object.fromEntries(symbols.map((symbol, id) => [symbol, id]));
  const merges = '#version: 0.2\nĠ t\nh e\nĠt he\n';
  const gpt2 = createTokenizer(tokenizerDataFromFiles(JSON.stringify(vocab), merges, 'gpt2', { end: '<|EOS|>' }));
  it('keeps blanks and case, and knows no end-of-word mark', () => {
    expect(gpt2.encode('the the')).toEqual([vocab['t'], vocab['he'], vocab['Ġthe']]);
    expect(gpt2.decode([...gpt2.encode('the the, on.'), gpt2.endId, 0])).toBe('the the, on.');
  });
  it('gives one token for each byte that it lacks', () => {
    expect(gpt2.encode('aXé')).toEqual([vocab['a'], ...Array(3).fill(vocab['<|endoftext|>'])]);
  });
});

describe('a trained tokenizer', () => {
  it('gives each training word one token, and the end token the largest id', () => {
    expect(tokenizer.encode('a red apple')).toHaveLength(3);
    expect(tokenizer.endId).toBe(tokenizer.vocabularySize - 1);
    expect(tokenizer.vocabularySize).toBe(259 + new Set(data.words).size);
  });
  it('is deterministic and keeps to the size asked for', () => {
    expect(trainTokenizer(captions, { vocabularySize: 512 })).toEqual(data);
    for (const vocabularySize of [259, 265, 270, 275]) {
      const small = createTokenizer(trainTokenizer(captions, { vocabularySize }));
      expect(small.vocabularySize).toBeLessThanOrEqual(vocabularySize);
      expect(small.decode(small.encode('two cats on a car'))).toBe('two cats on a car');
    }
    expect(() => trainTokenizer(captions, { vocabularySize: 100 })).toThrow(/at least 259/);
  });
  it('encodes and decodes any words', () => {
    fc.assert(
      fc.property(fc.array(fc.stringMatching(/^\p{Ll}{1,8}$/u)), words => {
        const text = cleanText(words.join(' '));
        expect(tokenizer.decode(tokenizer.encode(text))).toBe(text);
      }),
    );
    expect(tokenizer.decode(tokenizer.encode('🍎 zebra'))).toBe('🍎 zebra');
  });
  it('never fails on any string', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), text => {
        for (const id of tokenizer.frame(text, 16)) expect(id).toBeLessThan(tokenizer.vocabularySize);
      }),
    );
    expect(tokenizer.encode('x'.repeat(100_000)).length).toBeGreaterThan(0);
  });
  it('names the words that it never saw', () => {
    expect(tokenizer.unknownWords('A red zebra, a BLUE zebra and a unicorn!')).toEqual(['zebra', 'and', 'unicorn']);
    expect(tokenizer.unknownWords('a red apple.')).toEqual([]);
    expect(createTokenizer(clipLike([])).unknownWords('anything')).toEqual([]);
  });
  it('survives its file', () => {
    expect(parseTokenizerData(stringifyTokenizerData(data))).toEqual(data);
    expect(() => parseTokenizerData('{')).toThrow(/not JSON/);
    expect(() => parseTokenizerData('{"style":"clip"}')).toThrow(/not valid/);
    const { a: _, ...vocab } = data.vocab;
    expect(() => createTokenizer({ ...data, vocab })).toThrow(/no entry for "a"/);
  });
});
