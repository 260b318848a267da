/** Trained chat models as MiniGPT-5 folders. */
import { copyFile, link, writeFile } from 'node:fs/promises';
import { join, relative, resolve } from 'node:path';
import { makeFolder } from '../../../core/folders.ts';
import { type HostTensor, isHostTensor } from '../../../core/host-tensor.ts';
import { flattenTree, type Tree } from '../../../core/tree.ts';
import { saveSafetensors } from '../../../weights/write-safetensors.ts';
import { modelReference } from '../../embedded-models.ts';
import { type TrainedLlama, writeLlamaFolder } from '../../llama/write-folder.ts';
import type { MiniGpt5Config } from './config.ts';
import { diffusionFolder, readMiniGpt5Config, weightFiles } from './model-folder.ts';

export interface TrainedChat {
  /** `languageModel` is where that one is written, within the folder. */
  readonly config: MiniGpt5Config;
  readonly language: TrainedLlama;
  readonly frontEnd: Tree<HostTensor>;
  readonly mapper: Tree<HostTensor>;
}

/** A model with its language model in its own folder. Written over files that are there already; config.json, without which there is no model, comes last. */
export async function writeMiniGpt5Folder(folder: string, { config, language, frontEnd, mapper }: TrainedChat) {
  await makeFolder(folder);
  await writeLlamaFolder(join(folder, config.languageModel), language);
  await writeParts(folder, { frontEnd, mapper });
  await writeConfig(folder, config);
}

export interface AdaptedChat {
  readonly name: string;
  readonly rows: Tree<HostTensor>;
  readonly mapper: Tree<HostTensor>;
  readonly lora?: { readonly rank: number; readonly alpha: number; readonly params: Tree<HostTensor> };
}

/** The folder `from` with other parts of its own: what it names elsewhere stays there, its front end is shared. */
export async function writeAdaptedFolder(
  folder: string,
  from: string,
  { name, lora, ...parts }: AdaptedChat,
): Promise<void> {
  const { lora: _, ...config } = await readMiniGpt5Config(from);
  const elsewhere = (path: string) => relative(folder, resolve(from, path));
  await makeFolder(folder);
  if (config.frontEnd) await share(join(from, weightFiles.frontEnd), join(folder, weightFiles.frontEnd));
  await writeParts(folder, { ...parts, ...(lora && { lora: lora.params }) });
  await writeConfig(folder, {
    ...config,
    name,
    languageModel: elsewhere(config.languageModel),
    diffusion: modelReference(await diffusionFolder(from, config), folder),
    ...(lora && { lora: { rank: lora.rank, alpha: lora.alpha } }),
  });
}

async function writeParts(
  folder: string,
  parts: { readonly [K in keyof typeof weightFiles]?: Tree<HostTensor> },
): Promise<void> {
  for (const [name, params] of Object.entries(parts) as [keyof typeof weightFiles, Tree<HostTensor>][]) {
    await saveSafetensors(join(folder, weightFiles[name]), flattenTree<HostTensor>(params, isHostTensor));
  }
}

/** Last of all: without it there is no model. */
function writeConfig(folder: string, config: MiniGpt5Config): Promise<void> {
  return writeFile(join(folder, 'config.json'), `${JSON.stringify(config, undefined, 2)}\n`);
}

/** The same file under another name; a copy where the file system has no links. */
async function share(file: string, other: string): Promise<void> {
  await link(file, other).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') return copyFile(file, other);
  });
}
