/** What the application tells of itself: ids, metrics, capabilities, documentation, logs. */
import { describe, expect, it } from 'vitest';
import { post, redPng, startApp, submit } from './testing/test-app.ts';

describe('operation', () => {
  it('answers with the request id that was sent, if it is a plain one', async () => {
    const { app } = await startApp();
    const idOf = async (id: string) =>
      (await app.inject({ url: '/health/live', headers: { 'x-request-id': id } })).headers['x-request-id'];
    expect(await idOf('abc-1.2')).toBe('abc-1.2');
    expect(await idOf('a b"')).toMatch(/^req_/);
    expect((await app.inject({ url: '/v1/nothing' })).headers['x-request-id']).toMatch(/^req_/);
  });

  it('counts in the names of the API', async () => {
    const { app } = await startApp();
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
    const { app } = await startApp({ maxSamples: 3 });
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
    const { app } = await startApp();
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
    const { app } = await startApp();
    expect((await app.inject({ url: '/' })).body).toContain('npm run build');
    expect((await app.inject({ url: '/nothing' })).json()).toMatchObject({ error: { code: 'unknown_url' } });
  });

  it('logs requests and failures, but no keys and no pictures', async () => {
    const lines: string[] = [];
    const { app } = await startApp(
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
    const { app } = await startApp();
    await app.drain(0);
    const response = await post(app);
    expect([response.statusCode, response.json().error.code]).toEqual([503, 'shutting_down']);
    expect(response.headers['retry-after']).toBeDefined();
    expect((await app.inject({ url: '/health/ready' })).json()).toMatchObject({ status: 'stopping' });
  });
});
