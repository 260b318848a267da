/** A Llama as Hugging Face's libraries write it: configurations, tokenizer, chat template and weights, in files of either generation. */
import { join } from 'node:path';
import type { TensorSource } from '../../core/host-tensor.ts';
import { type LlamaConfig, llamaModel, llamaPositions, llamaSpec } from '../../lm/index.ts';
import type { Filled } from '../../nn/params.ts';
import { openHuggingFaceWeights, paramsInPlace } from '../../weights/hugging-face-folder.ts';
import { llamaConfigFrom, llamaRules } from '../../weights/names/llama.ts';
import type { LanguageFolder, LanguageNetwork, LanguagePart } from '../language/language-folder.ts';
import { readRequired, readTextFiles, type TextFilesOptions } from '../language/text-files.ts';

type LlamaSources = Filled<ReturnType<typeof llamaSpec>, TensorSource>;

export interface LlamaFolder extends LanguageFolder {
  readonly config: LlamaConfig;
  readonly params: LlamaSources;
}

export interface ReadLlamaOptions extends Pick<TextFilesOptions, 'addedTokens'> {
  /** Where the language model is a part of a larger one. @default all of the folder is its own */
  readonly part?: LanguagePart;
}

/**
 * Weights stay in their files, which must stay as they are while the model is used.
 * @throws DuetError 'model-not-found' | 'invalid-config' | 'invalid-weights'
 */
export async function readLlamaFolder(
  folder: string,
  { part, ...options }: ReadLlamaOptions = {},
): Promise<LlamaFolder> {
  const origin = join(folder, 'config.json');
  const json = part?.config ?? (await readRequired(origin));
  const config = llamaConfigFrom(json, origin);
  const { vocabularySize } = config;
  const text = await readTextFiles(folder, { config: json, vocabularySize, ...options });
  const prefix = part?.prefix ?? '';
  const tensors = part?.tensors ?? (await openHuggingFaceWeights(folder)).tensors;
  const params = paramsInPlace(llamaSpec(config), llamaRules(config, prefix), tensors, folder, {
    // What others read, buffers of old files, and the copy of a tied embedding.
    mayIgnore: name =>
      !name.startsWith(prefix) ||
      name.endsWith('rotary_emb.inv_freq') ||
      (config.tied && name === `${prefix}lm_head.weight`),
  });
  return { config, params, network: networkOf(config, params), ...text };
}

function networkOf(config: LlamaConfig, params: LlamaSources): LanguageNetwork {
  const { vocabularySize, width } = config;
  return { model: llamaModel(config), params, vocabularySize, width, positions: llamaPositions(config) };
}
