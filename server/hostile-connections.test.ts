/** Paths and connections of people who wish the server ill: a clear 4xx, nothing held up, nothing left behind. */
import { once } from 'node:events';
import { connect } from 'node:net';
import { describe, expect, it } from 'vitest';
import { buildApp } from './app.ts';
import { serverConfig } from './config.ts';
import { fakeModel } from './testing/fake-model.ts';
import { expectRefusal, expectShape, type Family, hostileTarget, limits, mebibyte } from './testing/hostile-server.ts';

const target = hostileTarget();

describe('addresses', () => {
  const refusedAs = (family: Family) => async (url: string) => {
    const { statusCode, body } = await target.app.inject({ url, headers: { host: 'localhost' } });
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
    const { statusCode, body } = await target.app.inject({ url, headers: { host: 'localhost' } });
    expect([400, 404, 422]).toContain(statusCode);
    if (!url.includes('/../') && !url.includes('%zz')) expectShape('sdapi', statusCode, body);
  });
});

describe('connections', () => {
  /** Sends bytes and reads until the server closes, or for `idleMs` milliseconds after the last byte. */
  async function raw(bytes: string, idleMs = 3000): Promise<string> {
    const { port } = new URL(target.origin);
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
    const { port } = new URL(target.origin);
    const slow = Array.from({ length: 50 }, () => {
      const socket = connect(Number(port), '127.0.0.1').on('error', () => {});
      socket.write(`${post}Content-Type: application/json\r\nContent-Length: 1000\r\n\r\n{"prompt":`);
      return socket;
    });
    const { status } = await target.sendJson('/v1/images/generations', { prompt: 'an apple' });
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
    const { port } = new URL(target.origin);
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
    expect((await target.sendJson('/sdapi/v1/txt2img', { prompt: 'an apple' })).status).toBe(200);
  });
});
