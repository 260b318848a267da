/** The application as a whole, without sockets: what every request meets, and the native routes. */
import type { FastifyInstance } from 'fastify';
import { afterEach, describe, expect, it } from 'vitest';
import { buildApp } from './app.ts';
import { type ServerConfig, serverConfig } from './config.ts';
import { type FakeModelOptions, fakeModel } from './testing/fake-model.ts';

const apps: FastifyInstance[] = [];
afterEach(async () => {
  await Promise.all(apps.splice(0).map(app => app.close()));
});

async function start(values: Partial<ServerConfig> = {}, fake: FakeModelOptions = {}) {
  const model = fakeModel(fake);
  const app = await buildApp({ config: serverConfig({ data: null, ...values }), models: [model] });
  apps.push(app);
  return { app, model };
}

const post = (app: FastifyInstance, payload: object, headers: Record<string, string> = {}) =>
  app.inject({ method: 'POST', url: '/v1/jobs', payload, headers });

describe('jobs', () => {
  it('are accepted, followed and shown with their files', async () => {
    const { app } = await start();
    const accepted = await post(app, { mode: 't2i', prompt: 'an apple', seed: 7, n: 2, preview_every: 2 });
    expect(accepted.statusCode).toBe(202);
    const { id, urls } = accepted.json<{ id: string; urls: Record<string, string> }>();
    expect(accepted.headers.location).toBe(`/v1/jobs/${id}`);
    const events = await app.inject({ url: urls['events']! });
    expect(events.headers['content-type']).toContain('text/event-stream');
    expect(events.body).toContain('event: completed');
    const job = (await app.inject({ url: urls['get']! })).json();
    expect(job).toMatchObject({ id, status: 'succeeded', mode: 't2i', request: { prompt: 'an apple', seed: 7, n: 2 } });
    expect(job.result.samples).toHaveLength(2);
    const file = await app.inject({ url: job.result.samples[1].url });
    expect(file.headers['content-type']).toBe('image/png');
    expect(file.rawPayload.toString('latin1')).toContain('an apple');
  });
});
