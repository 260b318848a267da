/** The language model inside a larger model of transformers, by the kind that its part of config.json names. */
import { join } from 'node:path';
import Type from 'typebox';
import { DuetError } from '../../core/errors.ts';
import { orNull, readFields } from '../../weights/names/config-file.ts';
import { readLlamaFolder } from '../llama/model-folder.ts';
import type { LanguageFolder, LanguagePart } from './language-folder.ts';
import { readOptPart } from './opt-part.ts';
import { readT5Part } from './t5-part.ts';

const kindSchema = Type.Object({ model_type: orNull(Type.String()) });

const kinds: Readonly<Record<string, (folder: string, part: LanguagePart) => Promise<LanguageFolder>>> = {
  llama: (folder, part) => readLlamaFolder(folder, { part }),
  opt: readOptPart,
  t5: readT5Part,
};

/**
 * Weights stay in their files.
 * @param usual the kind of a part that names none
 * @throws DuetError 'model-not-found' | 'invalid-config' | 'invalid-weights'
 */
export function readLanguagePart(folder: string, part: LanguagePart, usual: 'opt'): Promise<LanguageFolder> {
  const origin = join(folder, 'config.json');
  const { model_type: kind } = readFields(kindSchema, part.config, origin);
  const name = kind ?? usual;
  if (Object.hasOwn(kinds, name)) return kinds[name]!(folder, part);
  throw new DuetError(
    'invalid-config',
    `${origin}: text_config.model_type must be one of ${Object.keys(kinds).join(', ')}, got ${JSON.stringify(name)}`,
  );
}
