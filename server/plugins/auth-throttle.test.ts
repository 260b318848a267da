import { describe, expect, it } from 'vitest';
import { buildApp } from '../app.ts';
import { serverConfig } from '../config.ts';
import { fakeModel } from '../testing/fake-model.ts';
import { createAuthThrottle } from './auth-throttle.ts';

const right = 'right-key-of-24-characters';
const basic = (text: string) => `Basic ${Buffer.from(text).toString('base64')}`;

describe('wrong keys', () => {
  it('are counted for each address until the minute is over, for so many addresses', () => {
    let now = 0;
    const keys = createAuthThrottle({ most: 2, windowMs: 60_000, mostAddresses: 2, now: () => now });
    keys.count('a');
    keys.count('a');
    now = 30_000;
    expect(() => keys.count('a')).toThrow(expect.objectContaining({ code: 'rate-limited', retryAfter: 30 }));
    keys.count('b');
    now = 60_000;
    keys.count('a');
    for (const address of ['x', 'x', 'y', 'z']) keys.count(address);
    keys.count('x'); // forgotten for the sake of z
  });

  it('end in 429 of each family, but the right key passes, as do requests without a key and health checks', async () => {
    const app = await buildApp({
      config: serverConfig({ data: null, maxEventLoopDelay: 0, apiKeys: [right] }),
      models: [fakeModel()],
    });
    const get = (url: string, key?: string) =>
      app.inject({ url, ...(key !== undefined && { headers: { authorization: `Bearer ${key}` } }) });
    for (let i = 0; i < 30; i++) expect((await get('/v1/models')).statusCode).toBe(401);
    expect((await get('/v1/models', right)).statusCode).toBe(200);
    for (let i = 0; i < 10; i++) expect((await get('/v1/models', `wrong-${i}`)).statusCode).toBe(401);
    const refused = await get('/v1/models', 'wrong');
    expect(refused.statusCode).toBe(429);
    expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0);
    expect(refused.json()).toMatchObject({ error: { type: 'rate_limit_error', code: 'rate_limit_exceeded' } });
    for (const authorization of [`Bearer ${right}`, basic(`me:${right}`), basic(`${right}:`), basic(`${right}:x`)]) {
      expect((await app.inject({ url: '/v1/models', headers: { authorization } })).statusCode).toBe(200);
    }
    expect((await app.inject({ url: '/', headers: { authorization: basic('me:wrong') } })).statusCode).toBe(429);
    const sdapi = await get('/sdapi/v1/options', 'wrong');
    expect(sdapi.statusCode).toBe(429);
    expect(sdapi.json()).toMatchObject({ detail: expect.anything() });
    expect((await get('/v1/models')).statusCode).toBe(401);
    expect((await get('/health/live', 'wrong')).statusCode).toBe(200);
    await app.close();
  });
});
