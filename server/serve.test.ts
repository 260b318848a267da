/** The server on a real socket: a client that hangs up, and the end of the process that comes while jobs run. */
import { mkdtemp, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type ServerConfig, serverConfig } from './config.ts';
import { type RunningServer, startServer } from './serve.ts';
import { type FakeModel, fakeModel } from './testing/fake-model.ts';

let folder: string;
const servers: RunningServer[] = [];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'duet-serve-'));
});
afterEach(async () => {
  await Promise.all(servers.splice(0).map(server => server.close()));
  await rm(folder, { recursive: true });
});

async function start(
  values: Partial<ServerConfig> = {},
): Promise<{ url: string; server: RunningServer; model: FakeModel }> {
  const model = fakeModel({ pace: 'stepwise' });
  const config = serverConfig({ port: 0, data: folder, shutdownSeconds: 60, maxEventLoopDelay: 0, ...values });
  const server = await startServer({ config, load: async () => model, logs: { write: () => {} } });
  servers.push(server);
  return { url: server.url, server, model };
}

const post = (url: string, body: object) =>
  fetch(url, { method: 'POST', body: JSON.stringify(body), headers: { 'content-type': 'application/json' } });

const drawing = { mode: 't2i', prompt: 'an apple' };

async function statusOf(url: string): Promise<string> {
  const { jobs } = (await (await fetch(`${url}/v1/jobs?limit=1`)).json()) as { jobs: { status: string }[] };
  return jobs[0]?.status ?? 'none';
}

describe('a client that hangs up', () => {
  it('cancels the job that it waited for', async () => {
    const { url } = await start();
    const { hostname, port } = new URL(url);
    const body = JSON.stringify({ prompt: 'an apple' });
    const socket = connect(Number(port), hostname);
    socket.write(
      `POST /v1/images/generations HTTP/1.1\r\nhost: ${hostname}:${port}\r\ncontent-type: application/json\r\n` +
        `content-length: ${body.length}\r\n\r\n${body}`,
    );
    await expect.poll(() => statusOf(url), { timeout: 60_000 }).toBe('running');
    socket.destroy();
    await expect.poll(() => statusOf(url), { timeout: 60_000 }).toBe('cancelled');
  });

  it('leaves a job alone that it only followed', async () => {
    const { url, model } = await start();
    const { urls } = (await (await post(`${url}/v1/jobs`, drawing)).json()) as { urls: { events: string } };
    const controller = new AbortController();
    const events = await fetch(url + urls.events, { signal: controller.signal });
    await events.body!.getReader().read();
    controller.abort();
    model.advance();
    await expect.poll(() => statusOf(url), { timeout: 60_000 }).toBe('succeeded');
  });
});

describe('the end of the server', () => {
  it('lets running jobs and their readers finish, answers 503 meanwhile, and keeps waiting ones for the next', async () => {
    const { url, server, model } = await start({ maxRunning: 1 });
    const first = (await (await post(`${url}/v1/jobs`, drawing)).json()) as { urls: { events: string } };
    const second = (await (await post(`${url}/v1/jobs`, drawing)).json()) as { id: string };
    const events = await fetch(url + first.urls.events);
    const reader = events.body!.getReader();
    let text = Buffer.from((await reader.read()).value!).toString();
    const closed = server.close();
    await expect.poll(async () => (await fetch(`${url}/health/ready`)).status, { timeout: 60_000 }).toBe(503);
    const refused = await post(`${url}/v1/jobs`, drawing);
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, '10']);
    await refused.arrayBuffer();
    model.advance();
    for (let part = await reader.read(); !part.done; part = await reader.read())
      text += Buffer.from(part.value).toString();
    expect(text).toContain('event: completed');
    await closed;
    await server.closed;
    await expect(fetch(url)).rejects.toThrow();

    const next = await start();
    next.model.advance();
    const job = async () =>
      ((await (await fetch(`${next.url}/v1/jobs/${second.id}`)).json()) as { status: string }).status;
    await expect.poll(job, { timeout: 60_000 }).toBe('succeeded');
  });

  it('stops at the deadline and tells waiting clients so', async () => {
    const { url, server } = await start({ shutdownSeconds: 0 });
    const answer = post(`${url}/v1/images/generations`, { prompt: 'an apple' });
    await expect.poll(() => statusOf(url), { timeout: 60_000 }).toBe('running');
    await server.close();
    const response = await answer;
    expect(response.status).toBe(503);
    expect(await response.json()).toMatchObject({ error: { code: 'shutting_down' } });
  });

  it('gives everything back if it cannot listen', async () => {
    const { url } = await start();
    const port = Number(new URL(url).port);
    const model = fakeModel();
    let isReleased = false;
    const load = async () => ({
      ...model,
      model: {
        ...model.model,
        release: async () => {
          isReleased = true;
        },
      },
    });
    const config = serverConfig({ port, data: null });
    await expect(startServer({ config, load, logs: { write: () => {} } })).rejects.toThrow('is taken');
    expect(isReleased).toBe(true);
  });
});
