/** Pictures by people who wish the server ill: refused or served within bounds, and addresses are not fetched. */
import { describe, expect, it } from 'vitest';
import { buildApp } from './app.ts';
import { serverConfig } from './config.ts';
import { fakeModel } from './testing/fake-model.ts';
import { bombPng, oddPictures, refusedPictures } from './testing/hostile-pictures.ts';
import { drawUrl, expectRefusal, hostileTarget, limits, mebibyte, type Refusal } from './testing/hostile-server.ts';

const target = hostileTarget();

describe('pictures', () => {
  const asForm = (bytes: Uint8Array) => {
    const body = new FormData();
    body.set('image', new Blob([new Uint8Array(bytes)]), 'a.png');
    return body;
  };
  const base64 = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64');

  it('that are none are refused, in every place that takes one', async () => {
    for (const [what, bytes] of await refusedPictures(target.canaryUrl)) {
      const url = `data:image/png;base64,${base64(bytes)}`;
      const messages = [{ role: 'user', content: [{ type: 'image_url', image_url: { url } }] }];
      expectRefusal('openai', await target.send('/v1/images/variations', asForm(bytes)), what);
      expectRefusal('openai', await target.sendJson('/v1/chat/completions', { messages }), what);
      expectRefusal('native', await target.sendJson('/v1/jobs', { mode: 'i2t', image: base64(bytes) }), what);
      expectRefusal('replicate', await target.sendJson(drawUrl.replicate, { input: { image: url } }), what);
      expectRefusal('sdapi', await target.sendJson('/sdapi/v1/img2img', { init_images: [url] }), what);
      expectRefusal('sdapi', await target.sendJson('/sdapi/v1/interrogate', { image: url }), what);
      expectRefusal('sdapi', await target.sendJson('/sdapi/v1/png-info', { image: url }), what);
    }
  });

  it('that are odd are served', async () => {
    for (const [what, bytes] of await oddPictures()) {
      const { status } = await target.send('/v1/images/variations', asForm(bytes));
      expect(`${what}: ${status}`).toBe(`${what}: 200`);
      expect((await target.sendJson('/sdapi/v1/png-info', { image: base64(bytes) })).status).toBe(200);
    }
  });

  it('of many pixels at once stay within bounds', async () => {
    const large = bombPng(1990, 2000);
    const before = process.memoryUsage().rss;
    const many = Array.from({ length: 24 }, () => target.send('/v1/images/variations', asForm(large)));
    for (const { status } of await Promise.all(many)) expect([200, 429, 503]).toContain(status);
    expect((process.memoryUsage().rss - before) / mebibyte).toBeLessThan(600);
  });

  it('by address are not fetched, however it is spelt', async () => {
    const { port } = new URL(target.canaryUrl);
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
    for (const server of [target.app, open]) {
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
