/** A trained Llama as a folder that Hugging Face's libraries read. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { makeFolder } from '../../core/folders.ts';
import { type HostTensor, isHostTensor } from '../../core/host-tensor.ts';
import { flattenTree } from '../../core/tree.ts';
import type { LlamaConfig, llamaSpec } from '../../lm/index.ts';
import type { Filled } from '../../nn/params.ts';
import { llamaConfigFile, llamaRules } from '../../weights/names/llama.ts';
import { saveSafetensors } from '../../weights/write-safetensors.ts';

export interface TrainedLlama {
  readonly config: LlamaConfig;
  readonly params: Filled<ReturnType<typeof llamaSpec>, HostTensor>;
  /** A tokenizer.json. */
  readonly tokenizer: unknown;
  /** The token that ends a text. */
  readonly end: { readonly name: string; readonly id: number };
}

/** Writes the folder, over files that are there already. */
export async function writeLlamaFolder(
  folder: string,
  { config, params, tokenizer, end }: TrainedLlama,
): Promise<void> {
  const own = flattenTree<HostTensor>(params, isHostTensor);
  // Every rule of a Llama takes one tensor as it is.
  const tensors = llamaRules(config).map(({ ours, theirs }) => [theirs as string, own[ours]!] as const);
  await makeFolder(folder);
  await saveSafetensors(join(folder, 'model.safetensors'), Object.fromEntries(tensors), { metadata: { format: 'pt' } });
  const write = (name: string, json: unknown) =>
    writeFile(join(folder, name), `${JSON.stringify(json, undefined, 1)}\n`);
  await write('tokenizer.json', tokenizer);
  await write('tokenizer_config.json', { tokenizer_class: 'PreTrainedTokenizerFast', eos_token: end.name });
  await write('generation_config.json', { eos_token_id: end.id });
  await write('config.json', { ...llamaConfigFile(config), eos_token_id: end.id, torch_dtype: 'float32' });
}
