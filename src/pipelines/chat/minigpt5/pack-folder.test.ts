/** Packed chat models: their config.json says all that it said, and names what it names so that it is found from where it lies. */
import { cp, mkdir, mkdtemp, readFile, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { tinyMiniGpt5, writeMiniGpt5Folder } from '../../../../test/support/tiny-minigpt5.ts';
import { tinyModel } from '../../../../test/support/tiny-model.ts';
import { packageRoot } from '../../../core/package-root.ts';
import { packModel, writeModelFolder } from '../../index.ts';
import { type MiniGpt5Config, miniGpt5ConfigSchema } from './config.ts';
import { diffusionFolder, readMiniGpt5Config, readMiniGpt5Folder } from './model-folder.ts';

let scratch: string;
let config: MiniGpt5Config;

beforeAll(async () => {
  scratch = await realpath(await mkdtemp(join(tmpdir(), 'duet-pack-')));
  config = {
    ...(await tinyMiniGpt5()),
    examples: ['two foxes'],
    promptTemplates: { dialogues: { system: 'be kind' } },
    sampling: { temperature: 0.5, topP: 0.9 },
  };
  const { lora: _, ...properties } = miniGpt5ConfigSchema.properties;
  expect(Object.keys(config).sort(), 'every field that may be packed').toEqual(Object.keys(properties).sort());
  await writeMiniGpt5Folder(join(scratch, 'trained'), config);
  await writeModelFolder(join(scratch, 'drawing'), tinyModel());
});
afterAll(() => rm(scratch, { recursive: true }));

async function packed(to: string, options: { name?: string; diffusion?: string } = {}): Promise<MiniGpt5Config> {
  await packModel(join(scratch, 'trained'), join(scratch, to), options);
  return JSON.parse(await readFile(join(scratch, to, 'config.json'), 'utf8'));
}

it('says all that it said, whatever its folders are called from there', async () => {
  const to = join(scratch, 'deep', 'er', 'copy');
  await mkdir(join(scratch, 'deep'));
  const { languageModel, diffusion, ...others } = await packed('deep/er/copy');
  const { languageModel: language, diffusion: drawsWith, ...same } = config;
  expect(others).toEqual(same);
  expect([languageModel, `${diffusion}/`]).toEqual([relative(to, language), `${relative(to, drawsWith)}/`]);
  expect((await readMiniGpt5Folder(to)).drawing!.folder).toBe(drawsWith.replace(/\/$/, ''));
  expect((await packed('named', { name: 'other' })).name).toBe('other');
});

it('draws with another model if that is wished, by its path', async () => {
  expect((await packed('moved', { diffusion: join(scratch, 'drawing') })).diffusion).toBe('../drawing');
});

it('calls an embedded model by its name, which is found wherever the folder is taken', async () => {
  for (const diffusion of ['emoji', join(packageRoot(), 'models', 'emoji')]) {
    expect((await packed('with-emoji', { diffusion })).diffusion).toBe('emoji');
  }
  const elsewhere = join(scratch, 'taken', 'elsewhere');
  await mkdir(elsewhere, { recursive: true });
  await cp(join(scratch, 'with-emoji'), elsewhere, { recursive: true });
  const found = await diffusionFolder(elsewhere, await readMiniGpt5Config(elsewhere));
  expect(found).toBe(join(packageRoot(), 'models', 'emoji'));
});

it('tells a folder within from an embedded model of the same name', async () => {
  await writeModelFolder(join(scratch, 'within', 'emoji'), tinyModel());
  expect((await packed('within', { diffusion: join(scratch, 'within', 'emoji') })).diffusion).toBe('./emoji');
  expect((await readMiniGpt5Folder(join(scratch, 'within'))).drawing!.folder).toBe(join(scratch, 'within', 'emoji'));
});

it('refuses models that are not there, that draw nothing, and the option where nothing else draws', async () => {
  await expect(packed('no', { diffusion: 'nothing' })).rejects.toThrow(/no model "nothing"/);
  await expect(packed('no', { diffusion: 'emoji-chat' })).rejects.toMatchObject({ code: 'invalid-config' });
  const own = packModel(join(scratch, 'drawing'), join(scratch, 'no'), { diffusion: 'emoji' });
  await expect(own).rejects.toThrow(/networks of its own/);
});
