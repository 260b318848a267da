/** Models of any family from their folders: which family a folder is of, what it says it can do, and its class. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, expectTypeOf, it } from 'vitest';
import { tinyModel } from '../../test/support/tiny-model.ts';
import {
  describeModel,
  families,
  load,
  loadAs,
  type ModelOf,
  type Pipeline,
  type UniDiffuser,
  writeModelFolder,
} from './index.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'duet-families-'));
  await writeModelFolder(folder, tinyModel());
});
afterAll(() => rm(folder, { recursive: true }));

/** Writes config.json anew with `changes`; undefined removes a key. */
async function configure(changes: Readonly<Record<string, unknown>>): Promise<void> {
  const config = JSON.parse(await readFile(join(folder, 'config.json'), 'utf8')) as object;
  await writeFile(join(folder, 'config.json'), JSON.stringify({ ...config, ...changes }));
}

describe('load', () => {
  it('takes folders that name no family, as all did once', async () => {
    await configure({ family: undefined });
    const model = await load(folder, { device: 'reference' });
    expect(model.family).toBe('unidiffuser');
    const { samples, mode } = await model.run('t', {}, { seed: 1 });
    expect([mode, samples]).toEqual(['t', [{ seed: 1, caption: expect.any(String) }]]);
    await model.release();
  });

  it.each([
    ['stable-diffusion', /family "stable-diffusion" is not known here; this version of Duet knows unidiffuser/], // no config.json of its own
    ['toString', /family "toString" is not known/],
    [7, /family must be a text/],
  ])('refuses the family %j', async (family, message) => {
    await configure({ family });
    const refused = { code: 'invalid-config', message: expect.stringMatching(message) };
    await expect(load(folder)).rejects.toMatchObject(refused);
    await expect(describeModel(folder)).rejects.toMatchObject(refused);
  });

  it('gives one family where one is wanted, and no other', async () => {
    await configure({ family: 'unidiffuser' });
    const model = await loadAs('unidiffuser', folder, { device: 'reference' });
    expectTypeOf(model).toEqualTypeOf<UniDiffuser>();
    expectTypeOf<ModelOf>().toExtend<Pipeline>();
    await model.release();
    await configure({ family: 'other' });
    await expect(loadAs('unidiffuser', folder)).rejects.toThrow(/of the family "other", not unidiffuser/);
    await configure({ family: 'unidiffuser' });
  });
});

describe('describeModel', () => {
  it('tells calls, options, defaults and examples without loading', async () => {
    await configure({ examples: ['a red apple'] });
    const { description } = await describeModel(folder);
    expect(description).toMatchObject({
      family: 'unidiffuser',
      name: 'tiny',
      imageSize: 16,
      examples: ['a red apple'],
    });
    expect(description.defaults['t2i']).toMatchObject({ n: 1, steps: 3, guidance: 2, solver: 'dpm-multistep' });
    expect(description.defaults['joint']).toMatchObject({ guidance: 1.5, order: 'together' });
    expect(description.defaults['t2i']).not.toHaveProperty('strength');
    expect(description.defaults['inpaint']).toHaveProperty('strength', 1);
  });

  it('has a schema for every option and a row for every default', () => {
    for (const { calls, options } of Object.values(families)) {
      for (const { options: names, takes, needs } of Object.values(calls)) {
        expect(names.filter(name => !Object.hasOwn(options, name))).toEqual([]);
        expect(needs.flat().filter(name => !takes.includes(name))).toEqual([]);
      }
    }
  });
});

describe('run', () => {
  it.each([
    ['t2v', {}, {}, /mode must be one of t2i, i2t, .*got "t2v"/, 'mode'],
    ['t2i', { prompt: ' ' }, {}, /the mode t2i needs prompt/, 'prompt'],
    ['interpolate', { prompt: 'a', image2: undefined }, {}, /needs prompt2 or image2/, 'prompt2'],
    ['t2i', { prompt: 'a' }, { strength: 0.5 }, /the mode t2i has no option strength/, 'strength'],
    ['t2i', { prompt: 'a' }, { negative: 'b' }, /has no option negative/, 'negative'],
    ['t2i', { prompt: 'a' }, { step: 3 }, /has no option step; did you mean steps\?/, 'step'],
    ['inpaint', { prompt: 'a _' }, { strength: 0.5 }, /strength needs image/, 'strength'],
    ['t2i', { prompt: 'a'.repeat(10_001) }, {}, /prompt has 10001 characters, at most 10000/, 'prompt'],
    ['t', {}, { seed: 2 ** 32 - 1, n: 2 }, /seed must be a whole number from 0 to 4294967294 where n is 2/, 'seed'],
  ])('refuses %s of %j with %j', async (mode, inputs, options, message, field) => {
    const model = await load(folder, { device: 'reference' });
    try {
      const refused = { code: 'invalid-argument', field, message: expect.stringMatching(message) };
      await expect(model.run(mode, inputs as object, options as object)).rejects.toMatchObject(refused);
    } finally {
      await model.release();
    }
  });
});
