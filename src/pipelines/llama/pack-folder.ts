/** A Llama's folder in half precision. */
import { copyFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { makeFolder } from '../../core/folders.ts';
import { llamaSpec } from '../../lm/index.ts';
import { openCheckpoint } from '../../weights/checkpoint.ts';
import { planConversion } from '../../weights/convert.ts';
import { huggingFaceWeightFiles } from '../../weights/hugging-face-folder.ts';
import { llamaConfigFrom, llamaRules } from '../../weights/names/llama.ts';
import { writeSafetensors } from '../../weights/write-safetensors.ts';
import { isFile, readJsonObject } from '../diffusers-folder.ts';

/** Files beside config.json and the weights. */
const texts = [
  'tokenizer.json',
  'tokenizer_config.json',
  'special_tokens_map.json',
  'generation_config.json',
  'chat_template.jinja',
];

/**
 * Copies the folder, its weights as one file, tensor by tensor.
 * @throws DuetError 'invalid-config' | 'invalid-weights'
 */
export async function packLlama(from: string, to: string): Promise<string> {
  const json = await readJsonObject(join(from, 'config.json'));
  const config = llamaConfigFrom(json, join(from, 'config.json'));
  const rules = llamaRules(config);
  // Every rule of a Llama takes one tensor as it is.
  const theirs = new Map(rules.map(rule => [rule.ours, rule.theirs as string]));
  const { header, tensors } = planConversion(
    llamaSpec(config),
    rules,
    await openCheckpoint(...(await huggingFaceWeightFiles(from))),
  );
  const renamed = async function* () {
    for await (const [name, tensor] of tensors()) yield [theirs.get(name)!, tensor] as const;
  };
  await makeFolder(to);
  const file = join(to, 'model.safetensors');
  const names = Object.entries(header).map(([name, entry]) => [theirs.get(name)!, entry] as const);
  await writeSafetensors(file, Object.fromEntries(names), renamed(), { floats: 'F16', metadata: { format: 'pt' } });
  for (const name of texts) if (await isFile(join(from, name))) await copyFile(join(from, name), join(to, name));
  await writeFile(join(to, 'config.json'), `${JSON.stringify({ ...json, torch_dtype: 'float16' }, undefined, 1)}\n`);
  return file;
}
