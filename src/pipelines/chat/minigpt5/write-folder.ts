/** A trained chat model as a MiniGPT-5 folder, all of whose own networks lie in it. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { makeFolder } from '../../../core/folders.ts';
import { type HostTensor, isHostTensor } from '../../../core/host-tensor.ts';
import { flattenTree, type Tree } from '../../../core/tree.ts';
import { saveSafetensors } from '../../../weights/write-safetensors.ts';
import { type TrainedLlama, writeLlamaFolder } from '../../llama/write-folder.ts';
import type { MiniGpt5Config } from './config.ts';
import { weightFiles } from './model-folder.ts';

export interface TrainedChat {
  /** `languageModel` is where that one is written, within the folder. */
  readonly config: MiniGpt5Config;
  readonly language: TrainedLlama;
  readonly frontEnd: Tree<HostTensor>;
  readonly mapper: Tree<HostTensor>;
}

/** Writes the folder, over files that are there already; config.json, without which there is no model, comes last. */
export async function writeMiniGpt5Folder(folder: string, { config, language, frontEnd, mapper }: TrainedChat) {
  await makeFolder(folder);
  await writeLlamaFolder(join(folder, config.languageModel), language);
  for (const [name, params] of Object.entries({ frontEnd, mapper })) {
    const file = join(folder, weightFiles[name as 'frontEnd' | 'mapper']);
    await saveSafetensors(file, flattenTree<HostTensor>(params, isHostTensor));
  }
  await writeFile(join(folder, 'config.json'), `${JSON.stringify(config, undefined, 2)}\n`);
}
