/**
 * A server that hostile requests are thrown at, for tests. Behind each test the next request is served, and nobody on this machine
 * has been called.
 */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { FastifyInstance } from 'fastify';
import { afterAll, afterEach, beforeAll, expect } from 'vitest';
import { buildApp } from '../app.ts';
import { serverConfig } from '../config.ts';
import { fakeModel } from './fake-model.ts';

export const mebibyte = 2 ** 20;

// Machines that run tests are busy: how late the event loop is says nothing here.
export const limits = {
  data: null,
  maxEventLoopDelay: 0,
  maxBodyBytes: 4 * mebibyte,
  maxPixels: 4_000_000,
  maxQueue: 500,
};

export const families = ['openai', 'sdapi', 'native', 'replicate'] as const;
export type Family = (typeof families)[number];

/** Where each family takes JSON. */
export const drawUrl = {
  openai: '/v1/images/generations',
  sdapi: '/sdapi/v1/txt2img',
  native: '/v1/jobs',
  replicate: '/replicate/v1/predictions',
};

/** What is asked for as the family's body. */
export const bodyOf = (family: Family, json: string) => (family === 'replicate' ? `{"input":${json}}` : json);

export interface Refusal {
  readonly status: number;
  readonly text: string;
}

export interface HostileTarget {
  readonly app: FastifyInstance;
  readonly origin: string;
  /** Of another server on this machine, which counts who calls. */
  readonly canaryUrl: string;
  send(url: string, body: string | Uint8Array | FormData, type?: string): Promise<Refusal>;
  sendJson(url: string, body: unknown): Promise<Refusal>;
}

/** The server of a test file, there from its first test on; to be called outside of tests. */
export function hostileTarget(): HostileTarget {
  let app: FastifyInstance;
  let origin = '';
  let canaryUrl = '';
  let visits = 0;
  const canary = createServer((_request, response) => {
    visits++;
    response.end('found');
  });

  beforeAll(async () => {
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

  async function send(url: string, body: string | Uint8Array | FormData, type?: string): Promise<Refusal> {
    const response = await fetch(origin + url, {
      method: 'POST',
      headers: type === undefined ? {} : { 'content-type': type },
      body: body as BodyInit,
    });
    return { status: response.status, text: await response.text() };
  }

  return {
    get app() {
      return app;
    },
    get origin() {
      return origin;
    },
    get canaryUrl() {
      return canaryUrl;
    },
    send,
    sendJson: (url, body) => send(url, JSON.stringify(body), 'application/json'),
  };
}

/** A 4xx whose body is of the family's shape and tells nothing about the inside. */
export function expectRefusal(family: Family, { status, text }: Refusal, what: string): void {
  expect(`${what}: ${status} ${text.slice(0, 300)}`).toMatch(/: 4\d\d \{/);
  expectShape(family, status, text);
  expect(text.length).toBeLessThan(2000);
  expect(text).not.toMatch(/node_modules|\.ts:\d|\.js:\d|at \w+ \(|\/root|\/home/);
}

export function expectShape(family: Family, status: number, text: string): void {
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
