import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { checkApiKeys, trimKeys } from './api-keys.ts';
import { serverConfig } from './config.ts';
import { resolveConfig } from './config-sources.ts';
import { startServer } from './serve.ts';

const good = 'a-key-of-24-characters-x';

describe('checkApiKeys', () => {
  it('takes keys of 24 characters, with what files leave around them', () => {
    checkApiKeys([]);
    checkApiKeys([good, ` ${good}\r\n`, `${good}:with/all+kinds=of~characters`]);
  });

  it.each([
    ['short-key', 'has 9 characters'],
    [good.slice(1), 'has 23 characters'],
    [` ${good.slice(1)}\n`, 'has 23 characters'],
    [`"${good}"`, 'quotation marks'],
    [`'${good}'`, 'quotation marks'],
    [`${good} and more`, 'space'],
    [`${good}\n${good}`, 'line break'],
    [`${good}é`, 'beyond ASCII'],
  ])('refuses %j, says why and does not repeat it', (key, message) => {
    expect(() => checkApiKeys([good, key])).toThrow(`API key 2 of 2 ${message.startsWith('has') ? message : ''}`);
    expect(() => checkApiKeys([good, key])).toThrow(message);
    expect(() => checkApiKeys([good, key])).not.toThrow(key.trim().slice(0, 20));
  });

  it('tells a command that makes a key that is taken', () => {
    let told = '';
    try {
      checkApiKeys(['short']);
    } catch (error) {
      told = String(error);
    }
    const [, script = ''] = /node -e "([^"]+)"$/.exec(told) ?? [];
    const made = execFileSync(process.execPath, ['-e', script], { encoding: 'utf8' });
    checkApiKeys([made]);
    expect(trimKeys([made])[0]).toHaveLength(32);
  });

  it('refuses them before anything is loaded', async () => {
    const load = async () => expect.fail('loaded');
    const config = serverConfig({ data: null, apiKeys: ['short'] });
    await expect(startServer({ config, load, logs: { write: () => {} } })).rejects.toMatchObject({
      code: 'invalid-config',
      message: expect.stringContaining('could be guessed'),
    });
  });
});

describe('keys from the environment', () => {
  it('are separated by commas and line breaks', async () => {
    const env = { DUET_API_KEYS: `${good}, ${good}x\r\n${good}y\n` };
    const { config } = await resolveConfig({ flags: {}, env });
    expect(config.apiKeys).toEqual([good, `${good}x`, `${good}y`]);
  });
});
