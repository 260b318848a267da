/**
 * Requests by people who wish the server ill, and by broken clients: the answer is always a clear 4xx in the family's shape,
 * memory stays bounded, and the next request is served. Long, because all of it is thrown at one and the same server.
 */
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import fc from 'fast-check';
import type { FastifyInstance } from 'fastify';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { buildApp } from './app.ts';
import { serverConfig } from './config.ts';
import { fakeModel } from './testing/fake-model.ts';
import { bombPng, oddPictures, refusedPictures } from './testing/hostile-pictures.ts';

const mebibyte = 2 ** 20;
// Machines that run tests are busy: how late the event loop is says nothing here.
const limits = { data: null, maxEventLoopDelay: 0, maxBodyBytes: 4 * mebibyte, maxPixels: 4_000_000, maxQueue: 500 };
const families = ['openai', 'sdapi', 'native', 'replicate'] as const;
type Family = (typeof families)[number];

/** Where each family takes JSON. */
const drawUrl = {
  openai: '/v1/images/generations',
  sdapi: '/sdapi/v1/txt2img',
  native: '/v1/jobs',
  replicate: '/replicate/v1/predictions',
};

/** What is asked for as the family's body. */
const bodyOf = (family: Family, json: string) => (family === 'replicate' ? `{"input":${json}}` : json);

let app: FastifyInstance;
let origin: string;
/** Counts who calls on this machine: nobody should. */
let canary: Server;
let canaryUrl: string;
let visits = 0;

beforeAll(async () => {
  canary = createServer((_request, response) => {
    visits++;
    response.end('found');
  });
  canary.listen(0, '127.0.0.1');
  await once(canary, 'listening');
  canaryUrl = `http://127.0.0.1:${(canary.address() as AddressInfo).port}`;
  app = await buildApp({ config: serverConfig(limits), models: [fakeModel()] });
  origin = await app.listen({ host: '127.0.0.1', port: 0 });
});

afterEach(async () => {
  const next = await fetch(`${origin}/v1/images/generations`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: '{"prompt":"an apple"}',
  });
  expect(next.status).toBe(200);
  expect(visits).toBe(0);
});

afterAll(async () => {
  await app.close();
  canary.closeAllConnections();
  canary.close();
});

interface Refusal {
  readonly status: number;
  readonly text: string;
}

async function send(url: string, body: string | Uint8Array | FormData, type?: string): Promise<Refusal> {
  const response = await fetch(origin + url, {
    method: 'POST',
    headers: type === undefined ? {} : { 'content-type': type },
    body: body as BodyInit,
  });
  return { status: response.status, text: await response.text() };
}

const sendJson = (url: string, body: unknown) => send(url, JSON.stringify(body), 'application/json');

/** A 4xx whose body is of the family's shape and tells nothing about the inside. */
function expectRefusal(family: Family, { status, text }: Refusal, what: string): void {
  expect(`${what}: ${status} ${text.slice(0, 300)}`).toMatch(/: 4\d\d \{/);
  expectShape(family, status, text);
  expect(text.length).toBeLessThan(2000);
  expect(text).not.toMatch(/node_modules|\.ts:\d|\.js:\d|at \w+ \(|\/root|\/home/);
}

function expectShape(family: Family, status: number, text: string): void {
  const body: unknown = JSON.parse(text);
  if (family === 'replicate') {
    expect(body).toMatchObject({ title: expect.any(String), detail: expect.any(String), status });
  } else if (family !== 'sdapi') {
    const { error } = body as { error: Record<string, unknown> };
    expect(error).toMatchObject({ message: expect.any(String), type: expect.any(String), code: expect.any(String) });
    expect(error).toHaveProperty('param');
  } else if (status === 422) {
    expect(body).toMatchObject({
      detail: [{ loc: expect.any(Array), msg: expect.any(String), type: expect.any(String) }],
    });
  } else {
    expect(body).toMatchObject({ error: 'HTTPException', detail: expect.any(String), body: '', errors: '' });
  }
}

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
    expectRefusal(family, await send(drawUrl[family], body, 'application/json'), what);
  });

  it('too large, and of other types', async () => {
    const large = JSON.stringify({ prompt: 'x'.repeat(5 * mebibyte) });
    expectRefusal(family, await send(drawUrl[family], large, 'application/json'), 'large');
    for (const type of ['text/plain', 'application/xml', 'application/x-www-form-urlencoded', 'nonsense', '']) {
      expectRefusal(family, await send(drawUrl[family], '{"prompt":"an apple"}', type), type);
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
    expectRefusal('openai', await send(url, body, type), what);
  });
});

describe('pictures', () => {
  const asForm = (bytes: Uint8Array) => {
    const body = new FormData();
    body.set('image', new Blob([new Uint8Array(bytes)]), 'a.png');
    return body;
  };
  const base64 = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64');

  it('that are none are refused, in every place that takes one', async () => {
    for (const [what, bytes] of await refusedPictures(canaryUrl)) {
      const url = `data:image/png;base64,${base64(bytes)}`;
      const messages = [{ role: 'user', content: [{ type: 'image_url', image_url: { url } }] }];
      expectRefusal('openai', await send('/v1/images/variations', asForm(bytes)), what);
      expectRefusal('openai', await sendJson('/v1/chat/completions', { messages }), what);
      expectRefusal('native', await sendJson('/v1/jobs', { mode: 'i2t', image: base64(bytes) }), what);
      expectRefusal('replicate', await sendJson(drawUrl.replicate, { input: { image: url } }), what);
      expectRefusal('sdapi', await sendJson('/sdapi/v1/img2img', { init_images: [url] }), what);
      expectRefusal('sdapi', await sendJson('/sdapi/v1/interrogate', { image: url }), what);
      expectRefusal('sdapi', await sendJson('/sdapi/v1/png-info', { image: url }), what);
    }
  });

  it('that are odd are served', async () => {
    for (const [what, bytes] of await oddPictures()) {
      const { status } = await send('/v1/images/variations', asForm(bytes));
      expect(`${what}: ${status}`).toBe(`${what}: 200`);
      expect((await sendJson('/sdapi/v1/png-info', { image: base64(bytes) })).status).toBe(200);
    }
  });

  it('of many pixels at once stay within bounds', async () => {
    const large = bombPng(1990, 2000);
    const before = process.memoryUsage().rss;
    const many = Array.from({ length: 24 }, () => send('/v1/images/variations', asForm(large)));
    for (const { status } of await Promise.all(many)) expect([200, 429, 503]).toContain(status);
    expect((process.memoryUsage().rss - before) / mebibyte).toBeLessThan(600);
  });

  it('by address are not fetched, however it is spelt', async () => {
    const { port } = new URL(canaryUrl);
    const open = await buildApp({
      config: serverConfig({ ...limits, imageUrlHosts: ['example.org', '127.0.0.1', 'localhost', '[::1]', '0.0.0.0'] }),
      models: [fakeModel()],
    });
    const hosts = [
      '127.0.0.1',
      'localhost',
      '127.1',
      '2130706433',
      '0x7f000001',
      '0177.0.0.1',
      '127.0.0.1.',
      '0',
      '[::1]',
    ];
    const odd = [
      '[::ffff:127.0.0.1]',
      '[::ffff:7f00:1]',
      'LOCALHOST',
      '①②⑦.⓪.⓪.①',
      '127。0。0。1',
      'a@127.0.0.1',
      '0.0.0.0',
    ];
    const further = [
      `file:///etc/passwd`,
      `ftp://127.0.0.1:${port}/`,
      `gopher://127.0.0.1:${port}/_GET`,
      '//127.0.0.1/',
      'http:',
    ];
    const cloud = [
      'http://169.254.169.254/latest/meta-data',
      'http://[fd00:ec2::254]/',
      'http://metadata.google.internal/',
    ];
    const spelt = [...hosts, ...odd].map(host => `http://${host}:${port}/a.png`);
    const tricks = [
      `http://example.org@127.0.0.1:${port}/`,
      `http://127.0.0.1:${port}#@example.org/`,
      `http:\\\\127.0.0.1:${port}\\`,
    ];
    for (const server of [app, open]) {
      for (const url of [...spelt, ...further, ...cloud, ...tricks]) {
        const messages = [{ role: 'user', content: [{ type: 'image_url', image_url: { url } }] }];
        const post = async (path: string, payload: object): Promise<Refusal> => {
          const headers = { host: 'localhost' };
          const { statusCode, body } = await server.inject({ method: 'POST', url: path, headers, payload });
          return { status: statusCode, text: body };
        };
        expectRefusal('openai', await post('/v1/chat/completions', { messages }), url);
        expectRefusal('native', await post('/v1/jobs', { mode: 'i2t', image: url }), url);
        expectRefusal('sdapi', await post('/sdapi/v1/img2img', { init_images: [url] }), url);
        expectRefusal('replicate', await post(drawUrl.replicate, { input: { image: url } }), url);
      }
    }
    await open.close();
  });
});

describe('addresses', () => {
  const refusedAs = (family: Family) => async (url: string) => {
    const { statusCode, body } = await app.inject({ url, headers: { host: 'localhost' } });
    expectRefusal(family, { status: statusCode, text: body }, url);
  };

  it.each([
    '/v1/images/files/..%2f..%2fetc/passwd',
    '/v1/images/files/%2e%2e/%2e%2e%2f%2e%2e%2fpackage.json',
    '/v1/images/files/a/%00.png',
    '/v1/images/files/a/b.png?size=9999999x1',
    '/v1/images/files/a/b.png?format=svg&quality=NaN',
    '/v1/jobs/..%2f..%2fpackage.json',
    '/v1/jobs/a/files/..%2f..%2f..%2fetc%2fpasswd',
    '/v1/jobs/__proto__',
    '/v1/jobs/constructor/files/prototype',
    '/v1/models/%2e%2e%2f%2e%2e%2fetc%2fpasswd',
    `/v1/models/${'x'.repeat(5000)}`,
    `/v1/jobs/${'x'.repeat(5000)}`,
    '/v1/nothing',
    '/v1/%zz',
    '/v1//nothing',
  ])('%s', refusedAs('openai'));

  it.each([
    '/replicate/v1/predictions/..%2f..%2fpackage.json',
    '/replicate/v1/predictions/__proto__',
    `/replicate/v1/predictions?cursor=${'x'.repeat(5000)}`,
    '/replicate/v1/predictions?cursor=1&cursor=2',
    '/replicate/v1/models/%2e%2e%2f%2e%2e/etc%2fpasswd',
    `/replicate/v1/models/duet/${'x'.repeat(5000)}`,
    '/replicate/v1/models/__proto__/constructor',
    '/replicate/v1/nothing',
    '/replicate/v1/%zz',
  ])('%s', refusedAs('replicate'));

  it.each(['/sdapi/v1/nothing', '/sdapi/v1/progress?skip_current_image=2e2', '/sdapi/v1/%zz'])('%s', async url => {
    const { statusCode, body } = await app.inject({ url, headers: { host: 'localhost' } });
    expect([400, 404, 422]).toContain(statusCode);
    if (!url.includes('/../') && !url.includes('%zz')) expectShape('sdapi', statusCode, body);
  });
});

describe('connections', () => {
  /** Sends bytes and reads until the server closes, or for `idleMs` milliseconds after the last byte. */
  async function raw(bytes: string, idleMs = 3000): Promise<string> {
    const { port } = new URL(origin);
    const socket = connect(Number(port), '127.0.0.1');
    let answer = '';
    socket.on('error', () => {}); // a reset is an answer too
    socket.setEncoding('latin1').on('data', text => {
      answer += text;
    });
    socket.setTimeout(idleMs, () => socket.destroy());
    socket.write(bytes);
    await once(socket, 'close');
    return answer;
  }
  const post = `POST /v1/images/generations HTTP/1.1\r\nHost: localhost\r\n`;

  it.each([
    ['a flood of headers', `${post}${Array.from({ length: 3000 }, (_, i) => `X-${i}: y\r\n`).join('')}\r\n`],
    ['a header of a megabyte', `${post}X-A: ${'y'.repeat(mebibyte)}\r\n\r\n`],
    ['no HTTP', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03hello\r\n\r\n'],
    ['two lengths', `${post}Content-Length: 5\r\nContent-Length: 6\r\n\r\nabcdef`],
    ['a length and chunks', `${post}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`],
    ['a length below zero', `${post}Content-Length: -5\r\n\r\n`],
    ['a length beyond reason', `${post}Content-Type: application/json\r\nContent-Length: 99999999999999\r\n\r\n{`],
    [
      'a chunk beyond reason',
      `${post}Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffffffffff\r\n`,
    ],
    ['a foreign host', 'GET /v1/models HTTP/1.1\r\nHost: evil.example\r\n\r\n'],
    ['no host', 'GET /v1/models HTTP/1.1\r\n\r\n'],
    ['a foreign origin', 'GET /v1/models HTTP/1.1\r\nHost: localhost\r\nOrigin: https://evil.example\r\n\r\n'],
  ])('%s', async (_what, bytes) => {
    expect(await raw(bytes)).toMatch(/^HTTP\/1\.1 4\d\d /);
  });

  it('that send slowly hold nobody up', async () => {
    const { port } = new URL(origin);
    const slow = Array.from({ length: 50 }, () => {
      const socket = connect(Number(port), '127.0.0.1').on('error', () => {});
      socket.write(`${post}Content-Type: application/json\r\nContent-Length: 1000\r\n\r\n{"prompt":`);
      return socket;
    });
    const { status } = await sendJson('/v1/images/generations', { prompt: 'an apple' });
    expect(status).toBe(200);
    for (const socket of slow) socket.destroy();
  });

  it.each([
    ['nothing', ''],
    ['half a head', 'GET /v1/models HTTP/1.1\r\nHost: localhost\r\n'],
    ['half a body', `${post}Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{`],
  ])('that send %s do not keep the server from stopping', async (_what, bytes) => {
    const ending = await buildApp({ config: serverConfig(limits), models: [fakeModel()] });
    const { port } = new URL(await ending.listen({ host: '127.0.0.1', port: 0 }));
    const socket = connect(Number(port), '127.0.0.1').on('error', () => {});
    await once(socket, 'connect');
    socket.write(bytes);
    await ending.close();
    socket.destroy();
  });

  it('that close in the middle of a form leave nothing behind', async () => {
    const { port } = new URL(origin);
    const head =
      'POST /v1/images/edits HTTP/1.1\r\nHost: localhost\r\nContent-Type: multipart/form-data; boundary=x\r\n';
    for (let i = 0; i < 20; i++) {
      const socket = connect(Number(port), '127.0.0.1').on('error', () => {});
      socket.write(
        `${head}Content-Length: 9999\r\n\r\n--x\r\nContent-Disposition: form-data; name="image"; filename="a"\r\n\r\nabc`,
      );
      await once(socket, 'connect');
      socket.destroy();
    }
    expect((await sendJson('/sdapi/v1/txt2img', { prompt: 'an apple' })).status).toBe(200);
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
        const answer = await send(drawUrl[family], body, 'application/json');
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
        const answer = await app.inject({
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
