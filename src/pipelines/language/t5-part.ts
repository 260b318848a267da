/** T5 inside a larger model. */
import { join } from 'node:path';
import { t5Model, t5Spec } from '../../lm/index.ts';
import { paramsInPlace } from '../../weights/hugging-face-folder.ts';
import { t5ConfigFrom, t5HeadName, t5Rules } from '../../weights/names/t5.ts';
import type { LanguageFolder, LanguagePart } from './language-folder.ts';
import { readTextFiles } from './text-files.ts';

/** Relative positions have no end; this bounds the memory of scores. Published models were trained on a quarter of it. */
const positions = 2048;

/** Copies of the embedding, and a bias that no layer uses, in files of before 2022. */
const unused = [
  'encoder.embed_tokens.weight',
  'decoder.embed_tokens.weight',
  'decoder.block.0.layer.1.EncDecAttention.relative_attention_bias.weight',
];

/** @throws DuetError 'model-not-found' | 'invalid-config' | 'invalid-weights' */
export async function readT5Part(
  folder: string,
  { config: json, prefix, tensors }: LanguagePart,
): Promise<LanguageFolder> {
  const tied = !Object.hasOwn(tensors, `${prefix}${t5HeadName}`);
  const config = { ...t5ConfigFrom(json, join(folder, 'config.json')), tied };
  const { vocabularySize, width } = config;
  const text = await readTextFiles(folder, { config: json, vocabularySize, endIds: [1] });
  const params = paramsInPlace(t5Spec(config), t5Rules(config, prefix), tensors, folder, {
    mayIgnore: name => !name.startsWith(prefix) || unused.includes(name.slice(prefix.length)),
  });
  return { network: { model: t5Model(config), params, vocabularySize, width, positions }, ...text };
}
