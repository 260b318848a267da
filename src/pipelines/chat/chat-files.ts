/** What the small files of a chat model's folder say, read without its tokenizer and weights. */
import { basename, join, resolve } from 'node:path';
import { type DiffusersFolder, isFile, readDiffusersFolder, readJsonObject } from '../diffusers-folder.ts';
import { readSamplingDefaults, type SamplingDefaults } from '../language/text-files.ts';
import { type ModelConfig, parseModelConfig } from '../unidiffuser/model-config.ts';
import { type MiniGpt5Config, parseMiniGpt5Config } from './minigpt5/config.ts';
import { diffusionFolder } from './minigpt5/model-folder.ts';

/** Families of models that answer in dialogues. */
const chatFamilies = ['minigpt5', 'llava', 'blip-2', 'instructblip'] as const;
export type ChatFamily = (typeof chatFamilies)[number];

/** Those that transformers writes, under its names: they are given pictures and answer in words. */
export type WordFamily = Exclude<ChatFamily, 'minigpt5'>;

export function isChatFamily(family: string): family is ChatFamily {
  return (chatFamilies as readonly string[]).includes(family);
}

export type ChatFiles =
  | { readonly family: WordFamily; readonly name: string; readonly sampling: SamplingDefaults }
  | {
      readonly family: 'minigpt5';
      readonly config: MiniGpt5Config;
      /** What it draws with: a folder of Stable Diffusion, or a model of Duet's that has a U-Net. */
      readonly diffusion: DiffusersFolder | ModelConfig;
    };

/** The family of chat models whose folder has this config.json; undefined if it is no chat model's. */
export function chatFamilyOf({ family, model_type: type }: Readonly<Record<string, unknown>>): ChatFamily | undefined {
  if (family === 'minigpt5') return family;
  if (family !== undefined || typeof type !== 'string' || type === 'minigpt5') return undefined;
  return isChatFamily(type) ? type : undefined;
}

/** @throws DuetError 'invalid-config' | 'model-not-found' */
export async function readChatFiles(
  folder: string,
  family: ChatFamily,
  json: Readonly<Record<string, unknown>>,
): Promise<ChatFiles> {
  if (family !== 'minigpt5') {
    return { family, name: basename(resolve(folder)), sampling: await readSamplingDefaults(folder) };
  }
  const config = parseMiniGpt5Config(json, join(folder, 'config.json'));
  const diffusion = await diffusionFolder(folder, config);
  const own = join(diffusion, 'config.json');
  const read = (await isFile(own)) ? parseModelConfig(await readJsonObject(own), own) : readDiffusersFolder(diffusion);
  return { family, config, diffusion: await read };
}
