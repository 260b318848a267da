import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { serverConfig } from './config.ts';
import { configKeys, flagOf, resolveConfig, variableOf } from './config-sources.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'duet-config-'));
});
afterAll(() => rm(folder, { recursive: true }));

async function fileOf(content: string): Promise<string> {
  const path = join(folder, `${Math.random()}.json`);
  await writeFile(path, content);
  return path;
}

describe('resolveConfig', () => {
  it('has the defaults of the schema', async () => {
    const { config, origins, file } = await resolveConfig({ flags: {}, env: {} });
    expect(config).toEqual(serverConfig());
    expect(config).toMatchObject({ host: '127.0.0.1', port: 7860, apiKeys: [], data: 'duet-data' });
    expect(new Set(Object.values(origins))).toEqual(new Set(['default']));
    expect(file).toBeUndefined();
  });

  it('takes flags before the environment before the file, and knows which', async () => {
    const file = await fileOf('{"port": 1, "maxQueue": 1, "maxSteps": 1, "$schema": "x", "apiKeys": ["a"]}');
    const { config, origins } = await resolveConfig({
      flags: { port: '3' },
      env: { DUET_PORT: '2', DUET_MAX_QUEUE: '2', DUET_HOST: '' },
      file,
    });
    expect(config).toMatchObject({ port: 3, maxQueue: 2, maxSteps: 1, host: '127.0.0.1', apiKeys: ['a'] });
    expect(origins).toMatchObject({ port: 'flag', maxQueue: 'environment', maxSteps: 'file', host: 'default' });
  });

  it('reads lists, switches and nothing from text', async () => {
    const env = { DUET_API_KEYS: 'a, b,,c', DUET_TRUST_PROXY: '1', DUET_DATA: 'none', DUET_CONFIG: '' };
    const { config } = await resolveConfig({ flags: {}, env, file: await fileOf('{}') });
    expect(config).toMatchObject({ apiKeys: ['a', 'b', 'c'], trustProxy: true, data: null });
  });

  it.each([
    [{ DUET_PORT: 'abc' }, /DUET_PORT must be a whole number from 0 to 65535, got "abc"/],
    [{ DUET_PORT: '70000' }, /DUET_PORT/],
    [{ DUET_DEVICE: 'gpu' }, /DUET_DEVICE must be "cpu" or "tensorflow" or "reference", got "gpu"/],
    [{ DUET_TRUST_PROXY: 'perhaps' }, /true or false/],
  ])('names the place of a wrong value: %j', async (env, message) => {
    await expect(resolveConfig({ flags: {}, env })).rejects.toThrow(message);
  });

  it.each([
    ['{"maxqueue": 1}', /unknown key "maxqueue"; did you mean "maxQueue"\?/],
    ['{"max_que": 1}', /did you mean "maxQueue"/],
    ['{"nonsense": 1}', /known are host, port/],
    ['{"port": "1x"}', /port in .* must be a whole number/],
    ['{"apiKeys": [5]}', /apiKeys .* must be a list of texts, got something else/],
    ['[]', /one JSON object/],
    ['{', /not JSON/],
  ])('refuses the file %s', async (content, message) => {
    await expect(resolveConfig({ flags: {}, env: {}, file: await fileOf(content) })).rejects.toThrow(message);
  });

  it('refuses a file that is named and not there, and reports variables that nothing reads', async () => {
    const missing = resolveConfig({ flags: {}, env: { DUET_CONFIG: join(folder, 'none.json') } });
    await expect(missing).rejects.toMatchObject({ code: 'invalid-config' });
    const { unknownVariables } = await resolveConfig({ flags: {}, env: { DUET_PROT: '1', DUET_CACHE: 'x', PATH: '' } });
    expect(unknownVariables).toEqual(['DUET_PROT']);
  });

  it('spells keys as flags and variables', () => {
    expect(configKeys.map(key => [key, flagOf(key), variableOf(key)])).toContainEqual([
      'maxDataMegabytes',
      'max-data-megabytes',
      'DUET_MAX_DATA_MEGABYTES',
    ]);
  });
});
