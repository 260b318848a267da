/** Bodies, forms and addresses as clients write them: read exactly or refused by name, in every family of routes. */
import type { FastifyInstance } from 'fastify';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildApp } from './app.ts';
import { serverConfig } from './config.ts';
import { type FakeModel, fakeModel } from './testing/fake-model.ts';

const mebibyte = 2 ** 20;
let app: FastifyInstance;
let origin: string;
let model: FakeModel;
/** Larger than a megabyte as base64. */
let noise: Buffer;

beforeAll(async () => {
  model = fakeModel();
  const config = serverConfig({ data: null, maxEventLoopDelay: 0, maxBodyBytes: 4 * mebibyte });
  app = await buildApp({ config, models: [model], pageFolder: '/nowhere' });
  origin = await app.listen({ host: '127.0.0.1', port: 0 });
  const side = 900;
  const data = Buffer.from(Array.from({ length: side * side * 3 }, (_, i) => (i * 2_654_435_761) >>> 24));
  noise = await sharp(data, { raw: { width: side, height: side, channels: 3 } })
    .jpeg({ quality: 100 })
    .toBuffer();
});
afterAll(() => app.close());

async function send(url: string, payload: string | Buffer | FormData, type?: string) {
  const encoded = new Response(payload as BodyInit);
  const contentType = type ?? encoded.headers.get('content-type') ?? '';
  const answer = await app.inject({
    method: 'POST',
    url,
    headers: { host: 'localhost', 'content-type': contentType },
    payload: Buffer.from(await encoded.arrayBuffer()),
  });
  return { status: answer.statusCode, text: answer.body };
}

function form(fields: Readonly<Record<string, string | Buffer>>): FormData {
  const body = new FormData();
  for (const [name, value] of Object.entries(fields)) {
    body.append(name, typeof value === 'string' ? value : new Blob([new Uint8Array(value)]));
  }
  return body;
}

const drawing = {
  '/v1/images/generations': (fields: string) => `{${fields}}`,
  '/v1/chat/completions': (fields: string) => `{"messages":[{"role":"user","content":"hello"}],${fields}}`,
  '/sdapi/v1/txt2img': (fields: string) => `{${fields}}`,
  '/v1/jobs': (fields: string) => `{"mode":"t2i",${fields}}`,
  '/replicate/v1/predictions': (fields: string) => `{"input":{${fields}}}`,
};
const families = Object.entries(drawing);

describe.each(families)('JSON for %s', (url, bodyOf) => {
  const json = 'application/json';

  it.each([
    ['lists', `${'['.repeat(50_000)}${']'.repeat(50_000)}`],
    ['objects', `${'{"a":'.repeat(50_000)}1${'}'.repeat(50_000)}`],
    ['both', `${'[{"a":'.repeat(50_000)}1${'}]'.repeat(50_000)}`],
  ])('of %s in lists in lists is refused', async (_what, deep) => {
    for (const field of ['prompt', 'seed', 'unknown', 'image', 'alwayson_scripts', 'messages']) {
      const answer = await send(url, bodyOf(`"${field}":${deep}`), json);
      expect(answer).toMatchObject({ status: 400, text: expect.stringContaining('100 levels') });
    }
  });

  it('is UTF-8, whatever charset is announced', async () => {
    const body = bodyOf('"prompt":"un café"');
    for (const charset of ['', ';charset=utf-8', '; charset="UTF-8"', '; charset=latin1', '; charset', ';']) {
      const { status } = await send(url, Buffer.from(`\ufeff${body}`), json + charset);
      expect(status, charset).toBeLessThan(300);
      const latin = await send(url, Buffer.from(body, 'latin1'), json + charset);
      expect(latin).toMatchObject({ status: 400, text: expect.stringContaining('UTF-8') });
    }
  });

  it('with texts that cannot be kept is refused by name', async () => {
    for (const [text, reason] of [
      ['an \\u0000 apple', 'NUL'],
      ['an \\ud83c apple', 'surrogate'],
      ['\\udf4e', 'surrogate'],
    ] as const) {
      const { status, text: told } = await send(url, bodyOf(`"negative_prompt":"${text}","prompt":"an apple"`), json);
      expect([400, 422]).toContain(status);
      expect(told).toContain(reason);
      expect(told).toContain('negative_prompt');
    }
    const { status } = await send(url, bodyOf('"prompt":"an \\ud83c\\udf4e"'), json);
    expect(status).toBeLessThan(300);
  });

  it('says where a number is too large for any computer', async () => {
    const { text } = await send(url, bodyOf('"prompt":"a","seed":1e999'), json);
    expect(text).toMatch(/seed.*got Infinity/s);
  });
});

describe('forms', () => {
  const edits = '/v1/images/edits';

  it.each(['/v1/images/variations', '/sdapi/v1/interrogate', '/v1/jobs'])(
    'hold pictures as long texts, base64 or data URL, %s',
    async url => {
      const base64 = noise.toString('base64');
      expect(base64.length).toBeGreaterThan(mebibyte);
      for (const image of [base64, `data:image/jpeg;base64,${base64}`]) {
        const { status, text } = await send(url, form({ image, mode: 'i2t' }));
        expect([status, text.slice(0, 200)]).toEqual([url === '/v1/jobs' ? 202 : 200, expect.any(String)]);
      }
    },
  );

  it.each([
    ['a text', form({ prompt: 'an apple', mask: 'x'.repeat(5 * mebibyte) })],
    ['a file', form({ prompt: 'an apple', mask: Buffer.alloc(5 * mebibyte) })],
    ['all together', form({ image: Buffer.alloc(3 * mebibyte), mask: 'x'.repeat(2 * mebibyte) })],
  ])('larger than a body may be are refused, by %s', async (_what, body) => {
    const { status, text } = await send(edits, body);
    expect([status, text]).toEqual([413, expect.stringContaining('4194304')]);
    const chunked = await sendInChunks(edits, body);
    expect([chunked.status, JSON.parse(chunked.text).error]).toEqual([
      413,
      expect.objectContaining({ code: 'request_too_large', param: 'mask', message: expect.stringContaining("'mask'") }),
    ]);
  });

  it('name the part that is one too many, and a name that is too long', async () => {
    const many = new FormData();
    for (let i = 0; i <= 120; i++) many.append(`field${i}`, 'a');
    expect(await send(edits, many)).toMatchObject({ status: 413, text: expect.stringContaining("'field120'") });
    const named = await send(edits, form({ [`image${'e'.repeat(300_000)}`]: 'a' }));
    expect(named).toMatchObject({ status: 400, text: expect.stringContaining("'imageeee") });
  });

  it('hold text as UTF-8, or say that they do not', async () => {
    const part = (head: string, value: Buffer) =>
      Buffer.concat([
        Buffer.from(`--x\r\nContent-Disposition: form-data; ${head}\r\n\r\n`),
        value,
        Buffer.from('\r\n'),
      ]);
    const bodyOf = (...parts: Buffer[]) => Buffer.concat([...parts, Buffer.from('--x--\r\n')]);
    const type = 'multipart/form-data; boundary=x';
    const prompt = (text: string, encoding: BufferEncoding, more = '') =>
      bodyOf(part(`name="prompt"${more}`, Buffer.from(text, encoding)), part('name="mode"', Buffer.from('t2i')));
    expect((await send('/v1/jobs', prompt('un café', 'utf8'), type)).status).toBe(202);
    const latin = await send('/v1/jobs', prompt('un café', 'latin1'), type);
    expect(latin).toMatchObject({ status: 400, text: expect.stringContaining("'prompt' is not valid UTF-8") });
    const base64 = '\r\nContent-Transfer-Encoding: base64';
    expect((await send('/v1/jobs', prompt(btoa('an apple'), 'utf8', base64), type)).status).toBe(202);
    while (model.calls.at(-1)?.inputs[0] !== 'an apple') await new Promise(resolve => setTimeout(resolve, 5));
    const quoted = await send('/v1/jobs', prompt('a=20b', 'utf8', base64.replace('base64', 'quoted-printable')), type);
    expect(quoted).toMatchObject({ status: 400, text: expect.stringContaining("'prompt' comes in the transfer") });
  });

  it('hold JSON, which is read as a body is', async () => {
    const sendPrompt = (json: string) => {
      const prompt = `--x\r\nContent-Disposition: form-data; name="prompt"\r\nContent-Type: application/json\r\n\r\n${json}`;
      const mode = '--x\r\nContent-Disposition: form-data; name="mode"\r\n\r\nt2i\r\n--x--\r\n';
      return send('/v1/jobs', `${prompt}\r\n${mode}`, 'multipart/form-data; boundary=x');
    };
    expect((await sendPrompt('"an apple"')).status).toBe(202);
    const deep = await sendPrompt(`${'['.repeat(50_000)}${']'.repeat(50_000)}`);
    expect(deep).toMatchObject({ status: 400, text: expect.stringMatching(/'prompt' is nested.*"param":"prompt"/s) });
  });
});

async function sendInChunks(url: string, body: FormData) {
  const encoded = new Response(body);
  const init: RequestInit & { duplex: 'half' } = {
    method: 'POST',
    headers: { 'content-type': encoded.headers.get('content-type')! },
    body: encoded.body!,
    duplex: 'half',
  };
  const answer = await fetch(origin + url, init);
  return { status: answer.status, text: await answer.text() };
}

describe('addresses', () => {
  it.each([
    ['GET', '/v1/models/'],
    ['GET', '//v1/models'],
    ['GET', '/v1//models//fake/'],
    ['POST', '/v1/images/generations/'],
    ['POST', '/v1//jobs/'],
    ['GET', '/sdapi/v1/options/'],
    ['POST', '//sdapi/v1/txt2img'],
    ['GET', '/replicate/v1/models/'],
    ['GET', '/v1/capabilities/'],
    ['GET', '/health/live/'],
    ['GET', '/metrics/'],
  ] as const)('%s %s is served', async (method, url) => {
    const payload = url.includes('jobs') ? { mode: 'i' } : { prompt: 'an apple' };
    const answer = await app.inject({ method, url, ...(method === 'POST' && { payload }) });
    expect(answer.statusCode).toBeLessThan(300);
  });

  it('spelt otherwise are counted and locked as the plain ones', async () => {
    const config = serverConfig({ data: null, maxEventLoopDelay: 0, rateLimit: 1 });
    const strict = await buildApp({ config, models: [fakeModel()], pageFolder: '/nowhere' });
    const statuses = [];
    for (const url of ['/v1/models', '//v1/models', '/%761/models', '/v1/models/']) {
      statuses.push((await strict.inject({ url })).statusCode);
    }
    expect(statuses).toEqual([200, 429, 429, 429]);
    await strict.close();
    const locked = await buildApp({
      config: serverConfig({ data: null, maxEventLoopDelay: 0, apiKeys: ['a-key-of-many-characters-here'] }),
      models: [fakeModel()],
      pageFolder: '/nowhere',
    });
    for (const url of ['//v1/models', '/health/../v1/models', '/%68ealth//../v1/models', '/health/%2e%2e/v1/models']) {
      expect([401, 404]).toContain((await locked.inject({ url })).statusCode);
    }
    await locked.close();
  });

  it('with queries nested without end are read as names', async () => {
    const url = `/sdapi/v1/progress?${'a[b]'.repeat(3000)}=1&skip_current_image=1`;
    expect((await app.inject({ url })).statusCode).toBe(200);
    expect((await app.inject({ url: `/v1/jobs?limit${'[x]'.repeat(3000)}=1` })).statusCode).toBeLessThan(500);
  });
});

describe('booleans', () => {
  it.each(['true', 'True', 'TRUE', '1', 'on', 'yes', 'false', 'False', '0', 'off', 'no', ''])(
    'may be %j',
    async value => {
      const { statusCode } = await app.inject({ url: `/sdapi/v1/progress?skip_current_image=${value}` });
      expect(statusCode).toBe(200);
      for (const json of [JSON.stringify(value), /^[01]$/.test(value) ? value : 'null']) {
        const body = `{"prompt":"an apple","send_images":${json}}`;
        const { status, text } = await send('/sdapi/v1/txt2img', body, 'application/json');
        const isNo = /^(false|0|off|no)$/i.test(value) && json !== 'null';
        expect([status, JSON.parse(text).images.length]).toEqual([200, isNo ? 0 : 1]);
      }
    },
  );

  it.each(['2', 'maybe', 'truetrue'])('may not be %j', async value => {
    const { statusCode, body } = await app.inject({ url: `/sdapi/v1/progress?skip_current_image=${value}` });
    expect([statusCode, body]).toEqual([422, expect.stringContaining('skip_current_image')]);
  });
});
