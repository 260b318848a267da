import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { FastifyInstance } from 'fastify';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildApp } from '../app.ts';
import { serverConfig } from '../config.ts';
import { fakeModel } from '../testing/fake-model.ts';

let folder: string;
let app: FastifyInstance;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'duet-page-'));
  await writeFile(join(folder, 'index.html'), '<!doctype html><title>Duet</title>');
  app = await buildApp({
    config: serverConfig({ data: null, maxEventLoopDelay: 0 }),
    models: [fakeModel()],
    pageFolder: folder,
  });
});
afterAll(async () => {
  await app.close();
  await rm(folder, { recursive: true });
});

const browser = { accept: 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8' };

describe('addresses in a browser', () => {
  it.each(['/', '/chat', '/draw', '/inpaint', '/draw/', '/unknown', '/a/deep/link?x=1', '/v1x'])(
    'lead to the page: %s',
    async url => {
      const answer = await app.inject({ url, headers: browser });
      expect([answer.statusCode, answer.headers['content-type']]).toEqual([200, 'text/html; charset=utf-8']);
      expect(answer.headers['cache-control']).toBe('no-cache');
      expect(answer.headers['content-security-policy']).toBeDefined();
    },
  );

  it.each([
    '/v1',
    '/v1/unknown',
    '/sdapi/v1/unknown',
    '/replicate/v1/unknown',
    '/health/x',
    '/assets/old.js',
    '/metrics/x',
  ])('of programs are told to be unknown: %s', async url => {
    const answer = await app.inject({ url, headers: browser });
    expect([answer.statusCode, answer.headers['content-type']]).toEqual([404, 'application/json; charset=utf-8']);
  });

  it('are for those who look, not for programs', async () => {
    for (const headers of [{}, { accept: '*/*' }, { accept: 'application/json' }]) {
      expect((await app.inject({ url: '/unknown', headers })).json()).toMatchObject({ error: { code: 'unknown_url' } });
    }
    const post = await app.inject({ method: 'POST', url: '/unknown', headers: browser, payload: {} });
    expect([post.statusCode, post.json().error.code]).toEqual([404, 'unknown_url']);
  });
});
