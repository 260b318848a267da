/**
 * A MiniGPT-5 folder: config.json, the folders that it names, and one .safetensors file per network of its own, under Duet's
 * parameter names. Weights stay in their files, which must stay as they are while the model is used.
 */
import { join, resolve } from 'node:path';
import { DuetError } from '../../../core/errors.ts';
import type { HostTensor, TensorSource } from '../../../core/host-tensor.ts';
import { readJsonFile } from '../../../core/json-file.ts';
import type { Random } from '../../../core/random.ts';
import type { Tree } from '../../../core/tree.ts';
import { readFileTensor } from '../../../engine/file-tensor.ts';
import { llamaModel, llamaPositions, loraModel, loraSpec } from '../../../lm/index.ts';
import type { Filled } from '../../../nn/params.ts';
import { fillParams, initialise, type ParamSpec } from '../../../nn/params.ts';
import { visualFrontEndSpec } from '../../../vision/index.ts';
import {
  checkVocabulary,
  extendedModel,
  meanRows,
  newRowsSpec,
  type VokenVocabulary,
  vokenMapperSpec,
} from '../../../vokens/index.ts';
import { loadSafetensors, openSafetensors } from '../../../weights/safetensors.ts';
import { isFile } from '../../diffusers-folder.ts';
import { modelFolder } from '../../embedded-models.ts';
import type { LanguageNetwork } from '../../language/language-folder.ts';
import { type LlamaFolder, readLlamaFolder } from '../../llama/model-folder.ts';
import type { ChatFolder } from '../chat-folder.ts';
import { dialogueText } from '../dialogue.ts';
import { type MiniGpt5Config, parseMiniGpt5Config } from './config.ts';

/** The file of each network of its own in a model folder. */
export const weightFiles = {
  frontEnd: 'front-end.safetensors',
  mapper: 'mapper.safetensors',
  /** Rows of the vocabulary's tokens, where the language model's folder does not have them. */
  rows: 'vokens.safetensors',
  lora: 'lora.safetensors',
} as const;

/** Rows of new tokens, of a language model that does not know them. */
type NewRows = Filled<ReturnType<typeof newRowsSpec>, HostTensor>;

export interface MiniGpt5Folder extends ChatFolder {
  /** Its network has the new rows and the adaptation. */
  readonly language: LlamaFolder;
  readonly rows?: NewRows;
  /** An adaptation of the language model. */
  readonly lora?: Lora;
}

interface Lora {
  readonly params: Filled<ReturnType<typeof loraSpec>, HostTensor>;
  readonly scale: number;
}

/** @throws DuetError 'model-not-found' | 'invalid-config' */
export async function readMiniGpt5Config(folder: string): Promise<MiniGpt5Config> {
  const file = join(folder, 'config.json');
  if (!(await isFile(file))) {
    throw new DuetError('model-not-found', `There is no ${file}; give the folder of a MiniGPT-5 model`);
  }
  return parseMiniGpt5Config(await readJsonFile(file), file);
}

/** What it draws with: a model folder, if there is one where config.json says. */
export async function diffusionFolder(folder: string, { diffusion }: MiniGpt5Config): Promise<string> {
  return (await modelFolder(diffusion, folder)) ?? resolve(folder, diffusion);
}

export interface ReadMiniGpt5Options {
  /** For training: rows of new tokens and a mapper that have no file yet begin anew, drawn from this. @default they must be there */
  readonly begin?: Random;
}

/** @throws DuetError 'model-not-found' | 'invalid-config' | 'invalid-weights' */
export async function readMiniGpt5Folder(folder: string, { begin }: ReadMiniGpt5Options = {}): Promise<MiniGpt5Folder> {
  const file = join(folder, 'config.json');
  const config = await readMiniGpt5Config(folder);
  const { vocabulary, mapper, frontEnd } = config;
  const tokens = [...vocabulary.vokens, vocabulary.image];
  const language = await readLlamaFolder(resolve(folder, config.languageModel), { addedTokens: tokens });
  const { vocabularySize, width } = language.config;
  const added = addedCount(vocabulary, vocabularySize, file);
  checkVocabulary(vocabulary, text => language.tokenizer.encode(text, { framed: false }), vocabularySize + added);
  if (mapper.inputWidth !== width) {
    throw new DuetError(
      'invalid-config',
      `${file}: mapper.inputWidth is ${mapper.inputWidth}, the language model's width ${width}`,
    );
  }
  if (frontEnd && frontEnd.network.connector.projection.width !== width) {
    throw new DuetError(
      'invalid-config',
      `${file}: frontEnd makes vectors of width ${frontEnd.network.connector.projection.width}, the language model's is ${width}`,
    );
  }
  const read = async <S extends Tree<ParamSpec>>(
    spec: S,
    name: keyof typeof weightFiles,
  ): Promise<Filled<S, TensorSource>> => {
    const weights = join(folder, weightFiles[name]);
    if (begin && name === 'mapper' && !(await isFile(weights))) return initialise(spec, begin);
    return fillParams(spec, (await openSafetensors(weights)).tensors, weights);
  };
  const { name, prompt, sampling = language.defaults } = config;
  const rows =
    added > 0 ? await readRows(join(folder, weightFiles.rows), added, language, begin !== undefined) : undefined;
  const lora = config.lora && {
    params: await readSmall(loraSpec(language.config, config.lora.rank), join(folder, weightFiles.lora)),
    scale: config.lora.alpha / config.lora.rank,
  };
  return {
    family: 'minigpt5',
    name,
    language: { ...language, network: networkOf(language, added, rows, lora) },
    ...(rows && { rows }),
    ...(lora && { lora }),
    vocabulary,
    write: messages => dialogueText(messages, prompt, vocabulary),
    stop: prompt.stop,
    sampling,
    ...(frontEnd && {
      frontEnd: { ...frontEnd, params: await read(visualFrontEndSpec(frontEnd.network), 'frontEnd') },
    }),
    drawing: {
      mapper,
      params: await read(vokenMapperSpec(mapper), 'mapper'),
      folder: await diffusionFolder(folder, config),
      defaults: config.drawing ?? {},
    },
  };
}

/** The language model with its adaptation and with `added` new rows, as far as it has them. */
function networkOf(
  { config, params }: LlamaFolder,
  added: number,
  rows: NewRows | undefined,
  lora: Lora | undefined,
): LanguageNetwork {
  const { vocabularySize, width } = config;
  const sizes = { vocabularySize: vocabularySize + added, width, positions: llamaPositions(config) };
  const own = llamaModel(config);
  if (!lora) {
    if (!rows) return { model: own, params, ...sizes };
    return { model: extendedModel(own, vocabularySize), params: { base: params, rows }, ...sizes };
  }
  const [model, adapted] = [loraModel(own, lora.scale), { base: params, lora: lora.params }];
  if (!rows) return { model, params: adapted, ...sizes };
  return { model: extendedModel(model, vocabularySize), params: { base: adapted, rows }, ...sizes };
}

/** Where they have no file yet and may begin anew, each is the mean of the language model's own. */
async function readRows(
  file: string,
  count: number,
  { config, params }: LlamaFolder,
  mayBegin: boolean,
): Promise<NewRows> {
  if (mayBegin && !(await isFile(file))) {
    const mean = (source: TensorSource) => ({
      weight: meanRows('data' in source ? source : readFileTensor(source), count),
    });
    const { tokenEmbedding, head = tokenEmbedding } = params;
    return { embedding: mean(tokenEmbedding.weight), head: mean(head.weight) };
  }
  return readSmall(newRowsSpec(count, config.width), file);
}

/** Into memory: weights of one program that stay in their files must lie in one folder. */
async function readSmall<S extends Tree<ParamSpec>>(spec: S, file: string): Promise<Filled<S, HostTensor>> {
  return fillParams(spec, (await loadSafetensors(file)).tensors, file);
}

/** How many of the vocabulary's tokens the language model lacks: none, or all of them, which then stand right behind its own. */
function addedCount({ vokens, image }: VokenVocabulary, size: number, file: string): number {
  const ids = [...vokens, image].map(({ id }) => id);
  const [least, most] = [Math.min(...ids), Math.max(...ids)];
  if (most < size) return 0;
  if (least === size && most === size + ids.length - 1) return ids.length;
  throw new DuetError(
    'invalid-config',
    `${file}: the language model knows ${size} tokens; the vocabulary's ids, ${least} to ${most}, are neither among them nor right behind them`,
  );
}
