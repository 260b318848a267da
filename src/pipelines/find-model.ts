/** Where models are found, and which family they are of. */
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { DuetError } from '../core/errors.ts';
import { chatFamilyOf, readChatFiles } from './chat/chat-files.ts';
import { type DiffusersFolder, indexFile, isFile, readDiffusersFolder, readJsonObject } from './diffusers-folder.ts';
import { embeddedModels, modelFolder } from './embedded-models.ts';

/** The family of a config.json that names none: it was written before there were several. */
const firstFamily = 'unidiffuser';

/**
 * The folder of an embedded model or the folder at a path.
 * @throws DuetError 'model-not-found' listing the embedded models
 */
export async function findModel(model: string): Promise<string> {
  const folder = await modelFolder(model);
  if (folder !== undefined) return folder;
  const names = await readdir(embeddedModels).catch(() => []);
  throw new DuetError(
    'model-not-found',
    `There is no model ${JSON.stringify(model)}. Embedded models: ${names.join(', ') || 'none'}; ` +
      'or give the path of a model folder, one with a config.json or, as diffusers writes it, a model_index.json',
  );
}

/** A model folder whose small files were read, not checked beyond being objects. */
export interface FoundModel {
  readonly folder: string;
  /** The path of what was read, for messages: config.json, or a folder of diffusers. */
  readonly origin: string;
  /** The family that config.json names, or the class of the pipeline that a folder of diffusers holds. */
  readonly kind: { readonly family: string } | { readonly pipeline: string };
  /** What config.json says; the `DiffusersFolder`, or of a chat model the `ChatFiles`. */
  readonly config: unknown;
  /** Seconds since 1970 at which that file was last changed. */
  readonly created: number;
}

/** @throws DuetError 'model-not-found' | 'invalid-config' */
export async function openModel(model: string): Promise<FoundModel> {
  const folder = await findModel(model);
  const file = configFile(folder);
  if (await isFile(file)) {
    const config = await readJsonObject(file);
    const { family = firstFamily } = config;
    if (isLanguageModel(config)) {
      throw new DuetError(
        'invalid-config',
        `${file} is a language model's, which writes texts alone; Duet.loadLanguageModel loads it`,
      );
    }
    const chat = chatFamilyOf(config);
    if (chat) {
      const files = await readChatFiles(folder, chat, config);
      return { folder, origin: file, kind: { family: chat }, config: files, created: await changed(file) };
    }
    if (typeof family !== 'string') throw new DuetError('invalid-config', `${file}: family must be a text`);
    return { folder, origin: file, kind: { family }, config, created: await changed(file) };
  }
  const config: DiffusersFolder = await readDiffusersFolder(folder);
  const created = await changed(join(folder, indexFile));
  return { folder, origin: folder, kind: { pipeline: config.pipeline }, config, created };
}

async function changed(file: string): Promise<number> {
  return Math.floor((await stat(file)).mtimeMs / 1000);
}

function configFile(folder: string): string {
  return join(folder, 'config.json');
}

/** Hugging Face's language models name their architecture, and never a family. */
function isLanguageModel({ model_type: type }: Readonly<Record<string, unknown>>): boolean {
  return type === 'llama';
}
