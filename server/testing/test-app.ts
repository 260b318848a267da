/** Applications without sockets for tests, on a stand-in model; all are closed after each test. */
import type { FastifyInstance } from 'fastify';
import sharp from 'sharp';
import { afterEach, expect } from 'vitest';
import { buildApp } from '../app.ts';
import { type ServerConfig, serverConfig } from '../config.ts';
import { loggerOptions } from '../logging.ts';
import { type FakeModelOptions, fakeModel } from './fake-model.ts';

const apps: FastifyInstance[] = [];
afterEach(async () => {
  await Promise.all(apps.splice(0).map(app => app.close()));
});

/** @param lines collects the log */
export async function startApp(values: Partial<ServerConfig> = {}, fake: FakeModelOptions = {}, lines: string[] = []) {
  const model = fakeModel(fake);
  const config = serverConfig({ data: null, maxEventLoopDelay: 0, ...values });
  const logger = loggerOptions('info', { write: line => lines.push(line) });
  const app = await buildApp({ config, models: [model], logger, pageFolder: '/nowhere' });
  apps.push(app);
  return { app, model };
}

export const drawing = { mode: 't2i', prompt: 'an apple', seed: 7 };

export const post = (app: FastifyInstance, payload: object = drawing, headers: Record<string, string> = {}) =>
  app.inject({ method: 'POST', url: '/v1/jobs', payload, headers });

export async function submit(app: FastifyInstance, payload: object = drawing, headers: Record<string, string> = {}) {
  const response = await post(app, payload, headers);
  expect(response.statusCode, response.body).toBe(202);
  return response.json<{ id: string; urls: { get: string; events: string; cancel: string } }>();
}

export const redPng = () =>
  sharp({ create: { width: 8, height: 8, channels: 3, background: 'red' } })
    .png()
    .toBuffer();
