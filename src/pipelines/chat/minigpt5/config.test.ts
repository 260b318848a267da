import { readFile } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { miniGpt5Vocabulary } from '../../../vokens/index.ts';
import { miniGpt4ConfigFrom } from '../../../weights/names/minigpt4.ts';
import { vokenMapperConfigFrom } from '../../../weights/names/voken-mapper.ts';
import { parseMiniGpt5Config } from './config.ts';

const file = new URL('../../../../configs/models/minigpt5.json', import.meta.url);

it('the published sizes are a configuration', async () => {
  const config = parseMiniGpt5Config(JSON.parse(await readFile(file, 'utf8')), 'minigpt5.json');
  expect(config.mapper).toEqual(vokenMapperConfigFrom({}));
  expect(config.frontEnd?.network).toEqual(miniGpt4ConfigFrom({ llm_width: 4096 }));
  expect(config.vocabulary).toEqual(miniGpt5Vocabulary(32_000));
});
