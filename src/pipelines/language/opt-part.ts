/** OPT inside a larger model. */
import { join } from 'node:path';
import { optModel, optSpec } from '../../lm/index.ts';
import { paramsInPlace } from '../../weights/hugging-face-folder.ts';
import { optConfigFrom, optRules } from '../../weights/names/opt.ts';
import type { LanguageFolder, LanguagePart } from './language-folder.ts';
import { readTextFiles } from './text-files.ts';

/** @throws DuetError 'model-not-found' | 'invalid-config' | 'invalid-weights' */
export async function readOptPart(
  folder: string,
  { config: json, prefix, tensors }: LanguagePart,
): Promise<LanguageFolder> {
  const config = optConfigFrom(json, join(folder, 'config.json'));
  const { vocabularySize, width, embeddingWidth = width, positions, tied } = config;
  const text = await readTextFiles(folder, { config: json, vocabularySize, endIds: [2] });
  const params = paramsInPlace(optSpec(config), optRules(config, prefix), tensors, folder, {
    // What others read, and the copy of a tied embedding.
    mayIgnore: name => !name.startsWith(prefix) || (tied && name === `${prefix}lm_head.weight`),
  });
  return { network: { model: optModel(config), params, vocabularySize, width: embeddingWidth, positions }, ...text };
}
