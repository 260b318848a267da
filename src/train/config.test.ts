import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { configDifferences } from './checkpoint.ts';
import { parseStageConfig } from './config.ts';

const folder = new URL('../../configs/emoji/', import.meta.url);
const read = (name: string) => JSON.parse(readFileSync(new URL(name, folder), 'utf8')) as Record<string, unknown>;
const clip = () => read('02-clip.json');

describe('parseStageConfig', () => {
  it.each(readdirSync(folder).filter(name => name.endsWith('.json')))('takes configs/emoji/%s', name => {
    expect(parseStageConfig(read(name), name)).toEqual(read(name));
  });

  it('suggests the key that an unknown one may mean, with its place', () => {
    const optimizer = { ...(clip()['optimizer'] as object), warmpu: 3 };
    const fault = () => parseStageConfig({ ...clip(), optimizer }, 'my.json');
    expect(fault).toThrow('my.json: unknown key "optimizer.warmpu"; did you mean "warmup"?');
    expect(() => parseStageConfig({ ...clip(), zzzzzzzzz: 1 })).toThrow(
      /unknown key "zzzzzzzzz"; known are stage, name/,
    );
  });

  it('says which value is wrong, and which stages there are', () => {
    expect(() => parseStageConfig({ ...clip(), batch: 0 }, 'my.json')).toThrow(/my\.json: \/batch/);
    expect(() => parseStageConfig({ ...clip(), steps: undefined })).toThrow(/steps/);
    expect(() => parseStageConfig({ stage: 'gan' })).toThrow(/must be one of autoencoder, clip, .*got "gan"/);
    for (const value of [null, [], 'text', 3]) {
      expect(() => parseStageConfig(value)).toThrow(expect.objectContaining({ code: 'invalid-config' }));
    }
  });
});

describe('configDifferences', () => {
  it('names leaves that were changed, added and removed, but not free ones', () => {
    const there = { steps: 5, optimizer: { lr: 0.1, betas: [0.9, 0.98] }, gone: true };
    const here = { steps: 9, optimizer: { lr: 0.2, betas: [0.9, 0.99] }, added: 'x' };
    expect(configDifferences(there, here, ['steps'])).toEqual([
      'optimizer.lr is 0.1 there, 0.2 here',
      'optimizer.betas.1 is 0.98 there, 0.99 here',
      'gone is true there, absent here',
      'added is absent there, "x" here',
    ]);
    expect(configDifferences(clip(), clip())).toEqual([]);
  });
});
