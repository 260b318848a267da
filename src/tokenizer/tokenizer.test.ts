/** Tokenizers against what Hugging Face's own library made of the same texts (test/data/tokenizers). */
import { readdirSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { JsonTokenizer, TextStream } from './index.ts';

interface Recorded {
  readonly tokenizer: object;
  readonly cases: readonly {
    readonly text: string;
    readonly ids: readonly number[];
    readonly framed: readonly number[];
    readonly decoded: string;
    readonly plain: string;
  }[];
  readonly decoding: readonly { readonly ids: readonly number[]; readonly decoded: string }[];
}

const folder = new URL('../../test/data/tokenizers/', import.meta.url);
const read = (file: string) => JSON.parse(readFileSync(new URL(file, folder), 'utf8')) as Recorded;
const files = readdirSync(folder);

describe.each(files)('%s', file => {
  const { tokenizer: json, cases, decoding } = read(file);
  const tokenizer = new JsonTokenizer(json, file);

  it('gives the ids that were recorded', () => {
    expect(cases.length).toBeGreaterThan(150);
    for (const { text, ids, framed } of cases) {
      expect([text, tokenizer.encode(text, { framed: false })]).toEqual([text, ids]);
      expect([text, tokenizer.encode(text)]).toEqual([text, framed]);
    }
  });

  it('gives the texts that were recorded, of any ids', () => {
    for (const { framed, decoded, plain } of cases) {
      expect(tokenizer.decode(framed)).toBe(decoded);
      expect(tokenizer.decode(framed, { skipSpecial: true })).toBe(plain);
    }
    for (const { ids, decoded } of decoding) expect([ids, tokenizer.decode(ids)]).toEqual([ids, decoded]);
  });

  it('never says that a text has more tokens than it has', () => {
    for (const { text, ids } of cases) expect([text, tokenizer.exceeds(text, ids.length)]).toEqual([text, false]);
    const word = fc.constantFrom(
      'a',
      ' ',
      '\n',
      '\u0301',
      '🦊',
      '<s>',
      '</s>',
      '<|endoftext|>',
      '▁',
      '='.repeat(64),
      'fox',
    );
    fc.assert(
      fc.property(fc.string({ unit: word, maxLength: 60 }), text => {
        expect(tokenizer.exceeds(text, tokenizer.encode(text, { framed: false }).length)).toBe(false);
      }),
    );
  });

  it('says it of texts that are much too long, where each character counts', () => {
    const isCertain = !['bert', 'clip', 't5'].some(name => file.startsWith(name));
    expect(tokenizer.exceeds('fox'.repeat(10_000), 500)).toBe(isCertain);
    expect(tokenizer.exceeds(' \n'.repeat(10_000), 500)).toBe(false);
  });

  it('takes texts of any length', () => {
    expect(tokenizer.encode(' a'.repeat(70_000)).length).toBeGreaterThan(35_000);
  });

  it('streams the whole text in whole characters', () => {
    for (const { ids } of cases) {
      const stream = new TextStream(tokenizer);
      const pieces = ids.map(id => stream.push(id));
      expect([...pieces, stream.end()].join('')).toBe(tokenizer.decode(ids, { skipSpecial: true }));
      expect(pieces.some(piece => piece.endsWith('\ufffd'))).toBe(false);
    }
  });
});

describe('a text stream', () => {
  const tokenizer = new JsonTokenizer(read('llama2.json').tokenizer, 'llama2.json');
  const ids = (text: string) => tokenizer.encode(text, { framed: false });

  it('puts a blank where one word follows another, if it knows what came before', () => {
    const [alone, behind] = [new TextStream(tokenizer), new TextStream(tokenizer, { before: ids('a red') })];
    const text = (stream: TextStream) => [...ids('boat').map(id => stream.push(id)), stream.end()].join('');
    expect([text(alone), text(behind)]).toEqual(['boat', ' boat']);
  });

  it('ends before the first stop string and gives out no part of it', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom('a', 'b', '#', ' ') }), text => {
        const stop = ['###', 'ab#'];
        const stream = new TextStream(tokenizer, { stop });
        const whole = tokenizer.decode(ids(text));
        const ends = stop.map(end => whole.indexOf(end)).filter(at => at >= 0);
        const expected = ends.length > 0 ? whole.slice(0, Math.min(...ends)) : whole;
        const got: string[] = [];
        for (const id of ids(text)) {
          got.push(stream.push(id));
          expect(expected.startsWith(got.join(''))).toBe(true);
        }
        expect([...got, stream.end()].join('')).toBe(expected);
        expect(stream.isStopped).toBe(ends.length > 0);
      }),
    );
  });
});

describe('what is not a tokenizer of a language model', () => {
  const { tokenizer } = read('gpt2.json');
  const refused = (change: object, message: RegExp) =>
    expect(() => new JsonTokenizer({ ...tokenizer, ...change }, 'tokenizer.json')).toThrow(message);

  it('is refused by name', () => {
    expect(() => new JsonTokenizer(undefined, 'tokenizer.json')).toThrow(/^tokenizer.json: /);
    refused({ model: { type: 'WordLevel', vocab: {} } }, /must be BPE, WordPiece or Unigram, got WordLevel/);
    refused({ model: { type: 'WordPiece', vocab: {} } }, /tokenizer.json: model/);
    refused({ model: { type: 'Unigram', vocab: [['a', 0]], unk_id: 1 } }, /unk_id must be one of 1 pieces, got 1/);
    refused({ model: { type: 'Unigram', vocab: [['a', 0]], unk_id: 0, byte_fallback: true } }, /byte_fallback/);
    refused({ model: { type: 'Unigram', vocab: { a: 0 }, unk_id: 0 } }, /model\.vocab/);
    for (const charsmap of [undefined, 7, '', 'AAAA', 'CAAAAAAA', Buffer.alloc(9).toString('base64')]) {
      refused({ normalizer: { type: 'Precompiled', precompiled_charsmap: charsmap } }, /no table of replacements/);
    }
    refused({ normalizer: { type: 'Sequence', normalizers: [{ type: 'Precompiled' }] } }, /no table of replacements/);
    refused({ model: { type: 'BPE', vocab: { a: -1 }, merges: [] } }, /model\.vocab/);
    const { model } = tokenizer as { model: object };
    refused({ model: { ...model, continuing_subword_prefix: '##' } }, /continuing_subword_prefix/);
    refused({ model: { ...model, ignore_merges: 'yes' } }, /model\.ignore_merges/);
    refused({ decoder: { type: 'CTC' } }, /the decoder "CTC" is none of/);
    refused({ decoder: { type: 'Replace', pattern: { Regex: 'a+' }, content: '' } }, /needs a text/);
    refused({ post_processor: { type: 'Other' } }, /the post_processor "Other"/);
    refused({ pre_tokenizer: { type: 'Split', behavior: 'MergedWithNext' } }, /Removed or Isolated/);
    refused({ pre_tokenizer: { type: 'Nonsense' } }, /tokenizer.json: .*Nonsense/);
    refused({ normalizer: { type: 'Nonsense' } }, /tokenizer.json: .*Nonsense/);
  });

  it('but parts that are not there are none', () => {
    const least = new JsonTokenizer({ model: { vocab: { a: 0, b: 1, ab: 2 }, merges: ['a b'] } }, 'tokenizer.json');
    expect(least.encode('abba')).toEqual([2, 1, 0]);
  });

  it('halves of surrogate pairs become U+FFFD, and long texts are no problem', () => {
    const own = new JsonTokenizer(tokenizer, 'tokenizer.json');
    expect(own.decode(own.encode('a\ud83d b'))).toBe('a\ufffd b');
    expect(own.decode(own.encode('ab '.repeat(50_000)))).toBe('ab '.repeat(50_000));
  });
});
