/** Who may ask, from where, and with what: keys, hosts, origins, bodies, rates. */
import { gzipSync } from 'node:zlib';
import type { FastifyInstance } from 'fastify';
import { describe, expect, it } from 'vitest';
import { drawing, post, startApp, submit } from './testing/test-app.ts';

describe('keys', () => {
  const apiKeys = ['first-key', 'second-key'];
  const bearer = (key: string) => ({ authorization: `Bearer ${key}` });
  const basic = (text: string) => ({ authorization: `Basic ${Buffer.from(text).toString('base64')}` });

  it('are asked for everywhere but for health', async () => {
    const { app } = await startApp({ apiKeys });
    for (const url of ['/', '/v1/jobs', '/v1/models', '/sdapi/v1/options', '/metrics', '/openapi.json', '/nothing']) {
      expect((await app.inject({ url })).statusCode, url).toBe(401);
    }
    expect((await app.inject({ url: '/health/ready' })).statusCode).toBe(200);
    const v1 = await app.inject({ url: '/v1/jobs', headers: bearer('wrong') });
    expect([v1.headers['www-authenticate'], v1.json().error.code]).toEqual(['Bearer', 'invalid_api_key']);
    const sdapi = await app.inject({ url: '/sdapi/v1/options' });
    expect(sdapi.headers['www-authenticate']).toMatch(/^Basic/);
    expect(sdapi.json()).toMatchObject({ error: 'HTTPException' });
    const replicate = await app.inject({ url: '/replicate/v1/nothing' });
    expect([replicate.headers['www-authenticate'], replicate.json().title]).toEqual(['Bearer', 'Unauthenticated']);
  });

  it('are taken as bearer token, as password and as user name', async () => {
    const { app } = await startApp({ apiKeys });
    for (const headers of [bearer('first-key'), basic('me:second-key'), basic('first-key:')]) {
      expect((await app.inject({ url: '/v1/jobs', headers })).statusCode).toBe(200);
    }
    for (const headers of [bearer(''), bearer('first-key2'), basic(':'), basic('x'), { authorization: 'first-key' }]) {
      expect((await app.inject({ url: '/v1/jobs', headers })).statusCode, headers.authorization).toBe(401);
    }
  });

  it('keep the jobs of one from the other', async () => {
    const { app } = await startApp({ apiKeys });
    const { id, urls } = await submit(app, drawing, bearer('first-key'));
    const other = { headers: bearer('second-key') };
    for (const url of [urls.get, urls.events, `/v1/jobs/${id}/files/0.png`]) {
      expect((await app.inject({ url, ...other })).statusCode).toBe(404);
    }
    expect((await app.inject({ method: 'POST', url: urls.cancel, ...other })).statusCode).toBe(404);
    expect((await app.inject({ method: 'DELETE', url: urls.get, ...other })).statusCode).toBe(404);
    expect((await app.inject({ url: '/v1/jobs', ...other })).json().jobs).toEqual([]);
    expect((await app.inject({ url: '/v1/jobs', headers: bearer('first-key') })).json().jobs).toHaveLength(1);
  });

  it('are not needed where none are configured, whatever is sent', async () => {
    const { app } = await startApp();
    for (const headers of [bearer('any'), basic(''), {}]) {
      expect((await app.inject({ url: '/v1/jobs', headers })).statusCode).toBe(200);
    }
  });
});

describe('guards', () => {
  const get = (app: FastifyInstance, headers: Record<string, string>) => app.inject({ url: '/v1/jobs', headers });

  it('know the hosts of this machine alone', async () => {
    const { app } = await startApp({ allowedHosts: ['duet.example.org'] });
    for (const host of ['localhost', '127.0.0.1:7860', '[::1]:7860', 'a.localhost', 'DUET.example.org:443']) {
      expect((await get(app, { host })).statusCode, host).toBe(200);
    }
    for (const host of ['evil.example.org', '192.168.0.5', 'localhost.evil.org', '127.0.0.1.evil.org', 'a b', '[::1']) {
      const response = await get(app, { host });
      expect([response.statusCode, response.json().error.type], host).toEqual([403, 'permission_error']);
    }
  });

  it('let addresses pass where the server listens beyond this machine', async () => {
    const { app } = await startApp({ host: '0.0.0.0' });
    expect((await get(app, { host: '192.168.0.5:7860' })).statusCode).toBe(200);
    expect((await get(app, { host: 'evil.example.org' })).statusCode).toBe(403);
  });

  it('refuse pages of other origins, and let configured ones call', async () => {
    const { app } = await startApp({ corsOrigins: ['https://app.example.org'] });
    const host = 'localhost:7860';
    expect((await get(app, { host, origin: 'http://localhost:7860' })).statusCode).toBe(200);
    for (const origin of ['https://evil.example.org', 'null', 'http://localhost:9999', 'file://localhost:7860']) {
      const response = await get(app, { host, origin });
      expect(response.statusCode, origin).toBe(403);
      expect(response.headers['access-control-allow-origin']).toBeUndefined();
    }
    const allowed = await get(app, { host, origin: 'https://app.example.org' });
    expect(allowed.headers['access-control-allow-origin']).toBe('https://app.example.org');
    const preflight = { 'access-control-request-method': 'POST', origin: 'https://app.example.org', host };
    expect((await app.inject({ method: 'OPTIONS', url: '/v1/jobs', headers: preflight })).statusCode).toBe(204);
  });

  it('take no body that a page could send without being asked', async () => {
    const { app } = await startApp();
    for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'text/plain;x=application/json', '']) {
      const headers = { 'content-type': type };
      const response = await app.inject({ method: 'POST', url: '/v1/jobs', payload: JSON.stringify(drawing), headers });
      expect([response.statusCode, response.json().error.code], type).toEqual([415, 'unsupported_media_type']);
      expect(response.json().error.message).toMatch(/application\/json or multipart\/form-data/);
    }
  });

  it('refuse packed bodies by name, and take those that say that they are not packed', async () => {
    const { app } = await startApp();
    const send = (encoding: string, payload: Buffer | string) => {
      const headers = { 'content-type': 'application/json', 'content-encoding': encoding };
      return app.inject({ method: 'POST', url: '/v1/jobs', payload, headers });
    };
    for (const encoding of ['gzip', 'br', 'x-unheard-of']) {
      const { statusCode, body } = await send(encoding, gzipSync(JSON.stringify(drawing)));
      expect([statusCode, body]).toEqual([415, expect.stringContaining(`content-encoding ${encoding}`)]);
    }
    expect((await send('Identity', JSON.stringify(drawing))).statusCode).toBe(202);
  });

  it('refuse bodies that are too large, announced or not', async () => {
    const { app } = await startApp({ maxBodyBytes: 2000 });
    const large = await post(app, { ...drawing, prompt: 'a'.repeat(3000) });
    expect([large.statusCode, large.json().error.code]).toEqual([413, 'request_too_large']);
    const form = new FormData();
    form.set('mode', 'i2t');
    form.set('image', new File([new Uint8Array(3000)], 'a.png'));
    const response = await app.inject({ method: 'POST', url: '/v1/jobs', payload: form });
    expect([response.statusCode, response.json().error.code]).toEqual([413, 'request_too_large']);
  });

  it('send headers that keep a page to itself', async () => {
    const { headers } = await get((await startApp()).app, {});
    expect(headers['content-security-policy']).toContain("default-src 'self'");
    expect(headers).toMatchObject({ 'x-content-type-options': 'nosniff', 'x-frame-options': 'DENY' });
    expect(headers['strict-transport-security']).toBeUndefined();
  });

  it('limit requests a minute of each key', async () => {
    const { app } = await startApp({ rateLimit: 2, apiKeys: ['a', 'b'] });
    const asked = (key: string) => get(app, { authorization: `Bearer ${key}` });
    expect([(await asked('a')).statusCode, (await asked('a')).statusCode]).toEqual([200, 200]);
    const limited = await asked('a');
    expect([limited.statusCode, limited.json().error.code]).toEqual([429, 'rate_limit_exceeded']);
    expect(Number(limited.headers['retry-after'])).toBeGreaterThan(0);
    expect((await asked('b')).statusCode).toBe(200);
    expect((await app.inject({ url: '/health/live' })).statusCode).toBe(200);
  });
});
