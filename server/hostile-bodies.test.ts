/** Bodies by people who wish the server ill, and by broken clients: a clear 4xx in the family's shape, and never a 5xx. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  bodyOf,
  drawUrl,
  expectRefusal,
  expectShape,
  families,
  hostileTarget,
  mebibyte,
} from './testing/hostile-server.ts';

const target = hostileTarget();

describe.each(families)('malformed bodies, %s', family => {
  it.each([
    ['half of an object', '{"prompt":'],
    ['no JSON', 'prompt=an apple'],
    ['a list', '[1,2]'],
    ['a text', '"an apple"'],
    ['a number', '1e999'],
    ['brackets without end', '['.repeat(200_000)],
    ['deep lists', `${'['.repeat(50_000)}${']'.repeat(50_000)}`],
    ['a prototype', '{"__proto__":{"prompt":"an apple"}}'],
    ['a constructor', '{"constructor":{"prototype":{"prompt":"an apple"}}}'],
    ['two objects', '{"prompt":"a"}{"prompt":"b"}'],
    ['broken UTF-8', Buffer.from([0x7b, 0x22, 0xff, 0xfe, 0x22, 0x3a, 0x31])],
    ['zero bytes', Buffer.alloc(1000)],
    ['a mark in front', '\ufeff{"prompt":'],
  ])('%s', async (what, body) => {
    expectRefusal(family, await target.send(drawUrl[family], body, 'application/json'), what);
  });

  it('too large, and of other types', async () => {
    const large = JSON.stringify({ prompt: 'x'.repeat(5 * mebibyte) });
    expectRefusal(family, await target.send(drawUrl[family], large, 'application/json'), 'large');
    for (const type of ['text/plain', 'application/xml', 'application/x-www-form-urlencoded', 'nonsense', '']) {
      expectRefusal(family, await target.send(drawUrl[family], '{"prompt":"an apple"}', type), type);
    }
  });
});

describe('malformed forms', () => {
  const url = '/v1/images/edits';
  const form = 'multipart/form-data; boundary=x';
  const part = (head: string, body: string) => `--x\r\nContent-Disposition: form-data; ${head}\r\n\r\n${body}\r\n`;

  it.each([
    ['no boundary', 'multipart/form-data', ''],
    ['an empty boundary', 'multipart/form-data; boundary=', '--\r\n'],
    ['nothing', form, ''],
    ['another boundary', form, '--y\r\n\r\n--y--'],
    ['no end', form, part('name="prompt"', 'an apple')],
    ['a part cut off', form, '--x\r\nContent-Disposition: form-data; name="image"; filename="a.png"\r\n\r\nabc'],
    ['no names', form, `${part('', 'a')}--x--\r\n`],
    ['a prototype', form, `${part('name="__proto__"', 'a')}--x--\r\n`],
    ['zero bytes', form, '\0'.repeat(1000)],
    ['a name of a megabyte', form, `${part(`name="${'n'.repeat(mebibyte)}"`, 'a')}--x--\r\n`],
    ['a header without end', form, `--x\r\nContent-Disposition: form-data; ${'x'.repeat(mebibyte)}`],
    ['many fields', form, `${part('name="f"', 'a').repeat(5000)}--x--\r\n`],
    ['many files', form, `${part('name="image"; filename="a"', 'a').repeat(200)}--x--\r\n`],
    ['a form within a form', form, `${part('name="image"; filename="a"', part('name="image"', 'b'))}--x--\r\n`],
    ['a path as a file name', form, `${part('name="image"; filename="../../etc/passwd"', 'root')}--x--\r\n`],
    ['a path as a picture', form, `${part('name="image"', '/etc/passwd')}--x--\r\n`],
    ['a file as prompt', form, `${part('name="prompt"; filename="a"', 'a')}--x--\r\n`],
    ['a prompt of megabytes', form, `${part('name="prompt"', 'x'.repeat(3 * mebibyte))}--x--\r\n`],
    ['more than a body may hold', form, `${part('name="image"; filename="a"', 'x'.repeat(5 * mebibyte))}--x--\r\n`],
  ])('%s', async (what, type, body) => {
    expectRefusal('openai', await target.send(url, body, type), what);
  });
});

describe('conversations', () => {
  it('of more text than any model reads are refused', async () => {
    const long = { role: 'user', content: 'x '.repeat(80_000) };
    const short = { role: 'user', content: 'an apple' };
    const ask = (messages: object[]) => target.sendJson('/v1/chat/completions', { messages });
    expect((await ask([long, short])).status).toBe(200);
    const refusal = await ask([long, long, short]);
    expectRefusal('openai', refusal, 'long');
    expect(refusal.text).toContain('at most 200000');
  });
});

describe('numbers', () => {
  const absurd = [
    '"NaN"',
    '"Infinity"',
    '1e999',
    '-1e999',
    '1e308',
    '-1e308',
    '9007199254740993',
    '"0x10"',
    '"１"',
    '[1]',
    '{}',
  ];
  const fields = {
    openai: [
      'n',
      'seed',
      'steps',
      'num_inference_steps',
      'guidance_scale',
      'cfg_scale',
      'output_compression',
      'partial_images',
    ],
    sdapi: ['seed', 'steps', 'cfg_scale', 'width', 'height', 'batch_size', 'n_iter'],
    native: ['n', 'seed', 'steps', 'guidance', 'preview_every', 'frames', 'rounds', 'strength', 'priority'],
    replicate: ['num_outputs', 'seed', 'num_inference_steps', 'guidance_scale', 'prompt_strength', 'preview_every'],
  };
  it.each(families)('that make no sense are refused by name, %s', async family => {
    for (const field of fields[family]) {
      for (const value of absurd) {
        const body = bodyOf(family, `{"prompt":"an apple","mode":"t2i","${field}":${value}}`);
        const answer = await target.send(drawUrl[family], body, 'application/json');
        expectRefusal(family, answer, body);
        expect(answer.text).toContain(field);
      }
    }
  });
});

describe('anything at all', () => {
  it.each(families)('is served or refused, never a 5xx, %s', async family => {
    const names = [
      'prompt',
      'n',
      'size',
      'seed',
      'steps',
      'mode',
      'image',
      'mask',
      'messages',
      'model',
      'stream',
      'width',
    ];
    const body = fc.dictionary(fc.oneof(fc.constantFrom(...names), fc.string()), fc.jsonValue({ maxDepth: 3 }), {
      maxKeys: 8,
    });
    const urls = {
      openai: [drawUrl.openai, '/v1/chat/completions', '/v1/images/edits', '/v1/images/variations'],
      sdapi: [drawUrl.sdapi, '/sdapi/v1/img2img', '/sdapi/v1/options', '/sdapi/v1/interrogate', '/sdapi/v1/png-info'],
      native: [drawUrl.native],
      replicate: [drawUrl.replicate, '/replicate/v1/models/duet/fake/predictions', '/replicate/v1/files'],
    }[family];
    const sent = fc.tuple(fc.constantFrom(...urls), fc.oneof({ weight: 9, arbitrary: body }, fc.jsonValue()));
    await fc.assert(
      fc.asyncProperty(sent, async ([url, payload]) => {
        const headers = { host: 'localhost', 'content-type': 'application/json' };
        const answer = await target.app.inject({
          method: 'POST',
          url,
          headers,
          payload: bodyOf(family, JSON.stringify(payload)),
        });
        expect(answer.statusCode).toBeLessThan(500);
        if (answer.statusCode >= 400) expectShape(family, answer.statusCode, answer.body);
      }),
      { numRuns: 150 },
    );
  });
});
