/** The application as a whole, without sockets: what every request meets, and the native routes. */
import type { FastifyInstance } from 'fastify';
import sharp from 'sharp';
import { afterEach, describe, expect, it } from 'vitest';
import { readParameters } from '../src/image/index.ts';
import { buildApp } from './app.ts';
import { type ServerConfig, serverConfig } from './config.ts';
import { loggerOptions } from './logging.ts';
import { type FakeModelOptions, fakeModel } from './testing/fake-model.ts';

const apps: FastifyInstance[] = [];
afterEach(async () => {
  await Promise.all(apps.splice(0).map(app => app.close()));
});

async function start(values: Partial<ServerConfig> = {}, fake: FakeModelOptions = {}, lines: string[] = []) {
  const model = fakeModel(fake);
  const config = serverConfig({ data: null, maxEventLoopDelay: 0, ...values });
  const logger = loggerOptions('info', { write: line => lines.push(line) });
  const app = await buildApp({ config, models: [model], logger, pageFolder: '/nowhere' });
  apps.push(app);
  return { app, model };
}

const drawing = { mode: 't2i', prompt: 'an apple', seed: 7 };

const post = (app: FastifyInstance, payload: object = drawing, headers: Record<string, string> = {}) =>
  app.inject({ method: 'POST', url: '/v1/jobs', payload, headers });

async function submit(app: FastifyInstance, payload: object = drawing, headers: Record<string, string> = {}) {
  const response = await post(app, payload, headers);
  expect(response.statusCode, response.body).toBe(202);
  return response.json<{ id: string; urls: { get: string; events: string; cancel: string } }>();
}

const redPng = () =>
  sharp({ create: { width: 8, height: 8, channels: 3, background: 'red' } })
    .png()
    .toBuffer();

describe('jobs', () => {
  it('are accepted, followed and shown with their files', async () => {
    const { app } = await start();
    const { id, urls } = await submit(app, { ...drawing, n: 2, preview_every: 2, negative_prompt: 'a pear' });
    const events = await app.inject({ url: urls.events });
    expect(events.headers['content-type']).toContain('text/event-stream');
    expect(events.body).toContain('event: completed');
    const job = (await app.inject({ url: urls.get })).json();
    expect(job).toMatchObject({ id, status: 'succeeded', mode: 't2i', request: { prompt: 'an apple', seed: 7, n: 2 } });
    expect(job.request.negative_prompt).toBe('a pear');
    expect(job.result.samples).toHaveLength(2);
    const file = await app.inject({ url: job.result.samples[1].url });
    expect(file.headers['content-type']).toBe('image/png');
    expect(readParameters(file.rawPayload)?.parameters).toMatchObject({
      mode: 't2i',
      model: 'fake',
      prompt: 'an apple',
      negativePrompt: 'a pear',
      seed: 8,
      steps: 4,
      guidance: 3,
      solver: 'dpm-multistep',
    });
    expect((await app.inject({ url: `/v1/jobs/${id}/files/9.png` })).statusCode).toBe(404);
    expect((await app.inject({ method: 'DELETE', url: urls.get })).statusCode).toBe(204);
    expect((await app.inject({ url: urls.get })).json()).toMatchObject({ error: { code: 'not_found' } });
  });

  it('replay their events after the last one that was seen', async () => {
    const { app } = await start();
    const { urls } = await submit(app);
    const all = (await app.inject({ url: urls.events })).body;
    const ids = [...all.matchAll(/^id: (\d+)$/gm)].map(([, id]) => Number(id));
    const last = ids.at(-1)!;
    const headers = { 'last-event-id': String(last - 1) };
    expect((await app.inject({ url: urls.events, headers })).body).toMatch(
      new RegExp(`^id: ${last}\\nevent: completed`),
    );
    const seen = await app.inject({ url: urls.events, headers: { 'last-event-id': String(last) } });
    expect([seen.statusCode, seen.body]).toEqual([200, '']);
    expect((await app.inject({ url: urls.events, headers: { 'last-event-id': 'x' } })).body).toContain('completed');
  });

  it('take pictures as files of a form, base64 and data URLs', async () => {
    const { app, model } = await start();
    const png = await redPng();
    const form = new FormData();
    form.set('mode', 'inpaint');
    form.set('seed', '3');
    form.set('image', new File([new Uint8Array(png)], 'a.png', { type: 'image/png' }));
    form.set('mask', new File([new Uint8Array(png)], 'm.png', { type: 'image/png' }));
    const response = await app.inject({ method: 'POST', url: '/v1/jobs', payload: form });
    expect(response.statusCode, response.body).toBe(202);
    const { id, urls } = response.json();
    await app.inject({ url: urls.events });
    expect(model.calls[0]).toMatchObject({ mode: 'inpaint', options: { seed: 3 } });
    const sent = await app.inject({ url: `/v1/jobs/${id}/files/mask` });
    expect([sent.headers['content-type'], sent.rawPayload]).toEqual(['image/png', png]);
    const text = await submit(app, { mode: 'i2t', image: `data:image/png;base64,${png.toString('base64')}` });
    expect((await app.inject({ url: text.urls.events })).body).toContain('a fake caption');
  });

  it('tell how familiar a picture given looks, where the model measures that', async () => {
    const image = `data:image/png;base64,${(await redPng()).toString('base64')}`;
    const resultOf = async (options: Parameters<typeof start>[1]) => {
      const { app } = await start({}, options);
      const { urls } = await submit(app, { mode: 'i2t', image });
      await app.inject({ url: urls.events });
      return (await app.inject({ url: urls.get })).json().result;
    };
    const seen = { familiarity: 4.5, isFamiliar: false };
    expect(await resultOf({ seen })).toMatchObject({ familiarity: 4.5, is_familiar: false });
    expect(await resultOf({})).not.toHaveProperty('is_familiar');
  });

  it('are cancelled once', async () => {
    const { app } = await start({}, { pace: 'stepwise' });
    const { urls } = await submit(app);
    const cancel = () => app.inject({ method: 'POST', url: urls.cancel });
    expect((await cancel()).json()).toMatchObject({ status: 'cancelled' });
    expect([(await cancel()).statusCode, (await cancel()).json().error.code]).toEqual([409, 'job_over']);
    expect((await app.inject({ method: 'POST', url: '/v1/jobs/job_none/cancel' })).statusCode).toBe(404);
    const old = `/v1/jobs/job_${'0'.repeat(9)}${'a'.repeat(20)}/cancel`;
    expect((await app.inject({ method: 'POST', url: old })).statusCode).toBe(410);
  });

  it('are one for one Idempotency-Key', async () => {
    const { app } = await start();
    const headers = { 'idempotency-key': 'k' };
    const first = await submit(app, drawing, headers);
    expect((await submit(app, drawing, headers)).id).toBe(first.id);
    expect((await post(app, { ...drawing, seed: 8 }, headers)).json().error.message).toContain('another request');
  });

  it('are listed in pages', async () => {
    const { app } = await start();
    for (let i = 0; i < 3; i++) await app.inject({ url: (await submit(app)).urls.events });
    const first = (await app.inject({ url: '/v1/jobs?limit=2' })).json();
    expect([first.jobs.length, first.has_more]).toEqual([2, true]);
    const rest = (await app.inject({ url: `/v1/jobs?limit=2&before=${first.jobs[1].id}` })).json();
    expect([rest.jobs.length, rest.has_more]).toEqual([1, false]);
    expect((await app.inject({ url: '/v1/jobs?limit=0' })).statusCode).toBe(400);
  });

  it.each([
    [{ mode: 'draw' }, 400, 'mode'],
    [{}, 400, 'mode'],
    [{ mode: 't2i' }, 400, 'prompt'],
    [{ ...drawing, n: 'many' }, 400, 'n'],
    [{ ...drawing, model: 'other' }, 404, 'model'],
    [{ mode: 'i2t', image: 'aGVsbG8=' }, 400, 'image'],
    [{ mode: 'i2t', image: 'http://127.0.0.1/a.png' }, 403, null],
    [{ mode: 'i2t', image: { url: 'x' } }, 400, 'image'],
  ])('refuse %j', async (payload, status, param) => {
    const { app } = await start();
    const response = await post(app, payload);
    expect(response.statusCode).toBe(status);
    expect(response.json().error).toMatchObject({ param, message: expect.any(String), code: expect.any(String) });
  });

  it.each([
    ['num_steps', "did you mean 'steps'?"],
    ['num_inference_steps', "did you mean 'steps'?"],
    ['Prompt', "did you mean 'prompt'?"],
    ['negativePrompt', "did you mean 'negative_prompt'?"],
    ['guidance_scale', "did you mean 'guidance'?"],
    ['init_images', "did you mean 'image'?"],
    ['widht', 'Fields: mode'],
    ['width', '/v1/images/generations takes size'],
    ['output_format', '/v1/images/generations takes size'],
    ['__proto', 'Fields: mode'],
    ['x'.repeat(5000), 'Fields: mode'],
  ])('refuse the unknown field %.30s and say what there is', async (name, hint) => {
    const { app } = await start();
    const response = await post(app, { ...drawing, [name]: 1 });
    expect(response.statusCode).toBe(400);
    const { error } = response.json();
    expect(error).toMatchObject({ code: 'invalid_value', param: expect.stringContaining(name.slice(0, 50)) });
    expect(error.message).toContain(hint);
    expect(error.message).toContain('preview_every');
    expect(error.message.length).toBeLessThan(600);
    const query = await app.inject({ url: `/v1/jobs?limit=1&befor=2` });
    expect([query.statusCode, query.json().error.message]).toEqual([
      400,
      expect.stringContaining("did you mean 'before'?"),
    ]);
    const form = new FormData();
    form.set('mode', 't2i');
    form.set('prompt', 'an apple');
    form.set(name, '1');
    const sent = new Response(form);
    const headers = { 'content-type': sent.headers.get('content-type') ?? '' };
    const payload = Buffer.from(await sent.arrayBuffer());
    const refused = await app.inject({ method: 'POST', url: '/v1/jobs', headers, payload });
    expect(refused.statusCode).toBe(400);
  });

  it('answer a full queue with 429 and when to come back', async () => {
    const { app } = await start({ maxRunning: 1, maxQueue: 0 }, { pace: 'stepwise' });
    await submit(app);
    const response = await post(app);
    expect(response.statusCode).toBe(429);
    expect(response.json().error).toMatchObject({ type: 'rate_limit_error', code: 'queue_full' });
    expect(Number(response.headers['retry-after'])).toBeGreaterThan(0);
    expect((await app.inject({ url: '/health/ready' })).statusCode).toBe(503);
    expect((await app.inject({ url: '/health/live' })).statusCode).toBe(200);
  });
});

describe('keys', () => {
  const apiKeys = ['first-key', 'second-key'];
  const bearer = (key: string) => ({ authorization: `Bearer ${key}` });
  const basic = (text: string) => ({ authorization: `Basic ${Buffer.from(text).toString('base64')}` });

  it('are asked for everywhere but for health', async () => {
    const { app } = await start({ apiKeys });
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
    const { app } = await start({ apiKeys });
    for (const headers of [bearer('first-key'), basic('me:second-key'), basic('first-key:')]) {
      expect((await app.inject({ url: '/v1/jobs', headers })).statusCode).toBe(200);
    }
    for (const headers of [bearer(''), bearer('first-key2'), basic(':'), basic('x'), { authorization: 'first-key' }]) {
      expect((await app.inject({ url: '/v1/jobs', headers })).statusCode, headers.authorization).toBe(401);
    }
  });

  it('keep the jobs of one from the other', async () => {
    const { app } = await start({ apiKeys });
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
    const { app } = await start();
    for (const headers of [bearer('any'), basic(''), {}]) {
      expect((await app.inject({ url: '/v1/jobs', headers })).statusCode).toBe(200);
    }
  });
});

describe('guards', () => {
  const get = (app: FastifyInstance, headers: Record<string, string>) => app.inject({ url: '/v1/jobs', headers });

  it('know the hosts of this machine alone', async () => {
    const { app } = await start({ allowedHosts: ['duet.example.org'] });
    for (const host of ['localhost', '127.0.0.1:7860', '[::1]:7860', 'a.localhost', 'DUET.example.org:443']) {
      expect((await get(app, { host })).statusCode, host).toBe(200);
    }
    for (const host of ['evil.example.org', '192.168.0.5', 'localhost.evil.org', '127.0.0.1.evil.org', 'a b', '[::1']) {
      const response = await get(app, { host });
      expect([response.statusCode, response.json().error.type], host).toEqual([403, 'permission_error']);
    }
  });

  it('let addresses pass where the server listens beyond this machine', async () => {
    const { app } = await start({ host: '0.0.0.0' });
    expect((await get(app, { host: '192.168.0.5:7860' })).statusCode).toBe(200);
    expect((await get(app, { host: 'evil.example.org' })).statusCode).toBe(403);
  });

  it('refuse pages of other origins, and let configured ones call', async () => {
    const { app } = await start({ corsOrigins: ['https://app.example.org'] });
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
    const { app } = await start();
    for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'text/plain;x=application/json', '']) {
      const headers = { 'content-type': type };
      const response = await app.inject({ method: 'POST', url: '/v1/jobs', payload: JSON.stringify(drawing), headers });
      expect([response.statusCode, response.json().error.code], type).toEqual([415, 'unsupported_media_type']);
    }
  });

  it('refuse bodies that are too large, announced or not', async () => {
    const { app } = await start({ maxBodyBytes: 2000 });
    const large = await post(app, { ...drawing, prompt: 'a'.repeat(3000) });
    expect([large.statusCode, large.json().error.code]).toEqual([413, 'request_too_large']);
    const form = new FormData();
    form.set('mode', 'i2t');
    form.set('image', new File([new Uint8Array(3000)], 'a.png'));
    const response = await app.inject({ method: 'POST', url: '/v1/jobs', payload: form });
    expect([response.statusCode, response.json().error.code]).toEqual([413, 'request_too_large']);
  });

  it('send headers that keep a page to itself', async () => {
    const { headers } = await get((await start()).app, {});
    expect(headers['content-security-policy']).toContain("default-src 'self'");
    expect(headers).toMatchObject({ 'x-content-type-options': 'nosniff', 'x-frame-options': 'DENY' });
    expect(headers['strict-transport-security']).toBeUndefined();
  });

  it('limit requests a minute of each key', async () => {
    const { app } = await start({ rateLimit: 2, apiKeys: ['a', 'b'] });
    const asked = (key: string) => get(app, { authorization: `Bearer ${key}` });
    expect([(await asked('a')).statusCode, (await asked('a')).statusCode]).toEqual([200, 200]);
    const limited = await asked('a');
    expect([limited.statusCode, limited.json().error.code]).toEqual([429, 'rate_limit_exceeded']);
    expect(Number(limited.headers['retry-after'])).toBeGreaterThan(0);
    expect((await asked('b')).statusCode).toBe(200);
    expect((await app.inject({ url: '/health/live' })).statusCode).toBe(200);
  });
});

describe('operation', () => {
  it('answers with the request id that was sent, if it is a plain one', async () => {
    const { app } = await start();
    const idOf = async (id: string) =>
      (await app.inject({ url: '/health/live', headers: { 'x-request-id': id } })).headers['x-request-id'];
    expect(await idOf('abc-1.2')).toBe('abc-1.2');
    expect(await idOf('a b"')).toMatch(/^req_/);
    expect((await app.inject({ url: '/v1/nothing' })).headers['x-request-id']).toMatch(/^req_/);
  });

  it('counts in the names of the API', async () => {
    const { app } = await start();
    await app.inject({ url: (await submit(app)).urls.events });
    const { body } = await app.inject({ url: '/metrics' });
    expect(body).toContain('generations_total{mode="t2i",outcome="succeeded"} 1');
    expect(body).toContain('step_seconds_count{model="fake",device="cpu"} 4');
    expect(body).toContain(
      'http_request_duration_seconds_count{method="GET",route="/v1/jobs/:id/events",status="200"} 1',
    );
    for (const name of [
      'queue_depth 0',
      'job_wait_seconds_count',
      'model_load_seconds',
      'process_resident_memory_bytes',
    ]) {
      expect(body).toContain(name);
    }
  });

  it('says what it can do', async () => {
    const { app } = await start({ maxSamples: 3 });
    expect((await app.inject({ url: '/v1/capabilities' })).json()).toMatchObject({
      model: 'fake',
      modes: expect.arrayContaining(['t2i', 'inpaint']),
      image_size: 16,
      defaults: { steps: 4 },
      limits: { n: 3 },
      examples: ['an apple'],
    });
    expect((await app.inject({ url: '/v1/capabilities?model=other' })).statusCode).toBe(404);
  });

  it('describes all its routes, and shows them without asking anybody else', async () => {
    const { app } = await start();
    const description = (await app.inject({ url: '/openapi.json' })).json();
    expect(description.openapi).toBe('3.1.0');
    for (const path of [
      '/v1/jobs',
      '/v1/jobs/{id}/events',
      '/v1/images/generations',
      '/sdapi/v1/txt2img',
      '/replicate/v1/models/{owner}/{name}/predictions',
      '/health/ready',
    ]) {
      expect(Object.keys(description.paths)).toContain(path);
    }
    const docs = await app.inject({ url: '/docs' });
    expect(docs.statusCode).toBe(200);
    expect(docs.body).not.toMatch(/(src|href)="https?:/);
  });

  it('says how to build the page where there is none', async () => {
    const { app } = await start();
    expect((await app.inject({ url: '/' })).body).toContain('npm run build');
    expect((await app.inject({ url: '/nothing' })).json()).toMatchObject({ error: { code: 'unknown_url' } });
  });

  it('logs requests and failures, but no keys and no pictures', async () => {
    const lines: string[] = [];
    const { app } = await start(
      { apiKeys: ['secret-key'] },
      { failure: new Error(`broken ${'QUJD'.repeat(100)}`) },
      lines,
    );
    const headers = { authorization: 'Bearer secret-key' };
    const image = (await redPng()).toString('base64');
    const { urls } = await submit(app, { mode: 'i2t', image }, headers);
    await app.inject({ url: `${urls.events}?key=secret-key`, headers });
    const text = lines.join('');
    expect(text).toContain('"path":"/v1/jobs"');
    expect(text).toContain('a job failed');
    expect(text).toContain('broken [bytes]');
    for (const secret of ['secret-key', 'QUJDQUJD', image.slice(0, 40)]) expect(text).not.toContain(secret);
  });

  it('refuses new jobs while it stops', async () => {
    const { app } = await start();
    await app.drain(0);
    const response = await post(app);
    expect([response.statusCode, response.json().error.code]).toEqual([503, 'shutting_down']);
    expect(response.headers['retry-after']).toBeDefined();
    expect((await app.inject({ url: '/health/ready' })).json()).toMatchObject({ status: 'stopping' });
  });
});
