import { describe, expect, it } from 'vitest';
import { buildApp } from '../app.ts';
import { serverConfig } from '../config.ts';
import { fakeModel } from '../testing/fake-model.ts';
import { countWrongKeys } from './wrong-keys.ts';

describe('wrong keys', () => {
  it('are counted for each address until the minute is over, for so many addresses', () => {
    let now = 0;
    const keys = countWrongKeys({ most: 2, windowMs: 60_000, mostAddresses: 2, now: () => now });
    keys.count('a');
    keys.check('a');
    keys.count('a');
    now = 30_000;
    expect(() => keys.check('a')).toThrow(expect.objectContaining({ code: 'rate-limited', retryAfter: 30 }));
    keys.check('b');
    now = 60_000;
    keys.check('a');
    for (const address of ['x', 'x', 'y', 'z']) keys.count(address);
    keys.check('x'); // forgotten for the sake of z
  });

  it('end in 429 of each family, also for the right key; requests without a key and health checks go on', async () => {
    const app = await buildApp({ config: serverConfig({ data: null, apiKeys: ['right'] }), models: [fakeModel()] });
    const get = (url: string, key?: string) =>
      app.inject({ url, ...(key !== undefined && { headers: { authorization: `Bearer ${key}` } }) });
    for (let i = 0; i < 30; i++) expect((await get('/v1/models')).statusCode).toBe(401);
    expect((await get('/v1/models', 'right')).statusCode).toBe(200);
    for (let i = 0; i < 10; i++) expect((await get('/v1/models', `wrong-${i}`)).statusCode).toBe(401);
    for (const key of ['wrong', 'right']) {
      const refused = await get('/v1/models', key);
      expect(refused.statusCode).toBe(429);
      expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0);
      expect(refused.json()).toMatchObject({ error: { type: 'rate_limit_error', code: 'rate_limit_exceeded' } });
    }
    const sdapi = await get('/sdapi/v1/options', 'wrong');
    expect(sdapi.statusCode).toBe(429);
    expect(sdapi.json()).toMatchObject({ detail: expect.anything() });
    expect((await get('/v1/models')).statusCode).toBe(401);
    expect((await get('/health/live', 'wrong')).statusCode).toBe(200);
    await app.close();
  });
});
