import fc from 'fast-check';
import fastify from 'fastify';
import { describe, expect, it } from 'vitest';
import { parseJson, UnreadableJson } from './json-body.ts';

const app = fastify();
const utf8 = (text: string) => new TextEncoder().encode(text);
const parse = (bytes: string | Uint8Array) => parseJson(app, typeof bytes === 'string' ? utf8(bytes) : bytes);

describe('parseJson', () => {
  it('reads all that JSON can say', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 8 }), value => {
        fc.pre(!JSON.stringify(value).includes('"__proto__"')); // refused, see below
        expect(parse(JSON.stringify(value))).toEqual(JSON.parse(JSON.stringify(value)));
        expect(parse(JSON.stringify(value, null, 2))).toEqual(JSON.parse(JSON.stringify(value)));
      }),
    );
  });

  it('takes nothing for nothing, skips a byte order mark and lets the last of two keys count', () => {
    expect(parse('')).toBeUndefined();
    expect(parse('\ufeff{"a":1}')).toEqual({ a: 1 });
    expect(parse('{"a":1,"a":2}')).toEqual({ a: 2 });
    expect(parse('{"a":1e999}')).toEqual({ a: Number.POSITIVE_INFINITY });
  });

  it('counts no brackets inside of strings', () => {
    const strings = ['['.repeat(500), '"[['.repeat(50), '\\'.repeat(7), '\\"{{['.repeat(50), ']'.repeat(300)];
    for (const text of strings) expect(parse(JSON.stringify({ [text]: [text] }))).toEqual({ [text]: [text] });
  });

  it.each([100, 101, 50_000, 2_000_000])('of %d levels reads at most 100', depth => {
    for (const [open, close] of ['[]', '{}'].map(brackets => [...brackets] as [string, string])) {
      const text = (open === '{' ? '{"a":' : '[').repeat(depth - 1) + open + close.repeat(depth);
      if (depth <= 100) expect(() => parse(text)).not.toThrow();
      else expect(() => parse(text)).toThrow('The body is nested more than 100 levels deep');
    }
  });

  it.each([
    ['half an object', '{"a":', /not valid JSON: Unexpected end/],
    ['other text', 'prompt=an apple', /not valid JSON: Unexpected token/],
    ['brackets that close nothing', ']]]]', /not valid JSON/],
    ['a prototype', '{"a":[{"__proto__":1}]}', /__proto__/],
    ['a constructor', '{"constructor":{"prototype":1}}', /constructor\.prototype/],
    ['Latin-1', Buffer.from('{"prompt":"Ã©t\xe9"}', 'latin1'), /not valid UTF-8/],
    ['UTF-16', Buffer.from('\ufeff{"prompt":"a"}', 'utf16le'), /not valid UTF-8/],
    ['half of a character', Buffer.from('{"prompt":"é"}').subarray(0, 12), /not valid UTF-8/],
    ['a surrogate as UTF-8', Buffer.from([0x22, 0xed, 0xa0, 0x80, 0x22]), /not valid UTF-8/],
  ])('refuses %s and says why', (_what, bytes, reason) => {
    expect(() => parse(bytes)).toThrow(UnreadableJson);
    expect(() => parse(bytes)).toThrow(reason);
  });
});
