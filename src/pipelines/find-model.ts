/** Where models are found, and which family they are of. */
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { DuetError } from '../core/errors.ts';
import { readJsonFile } from '../core/json-file.ts';
import { packageRoot } from '../core/package-root.ts';

/** The family of a config.json that names none: it was written before there were several. */
const firstFamily = 'unidiffuser';

const embeddedModels = join(packageRoot(), 'models');

/**
 * The folder of an embedded model or the folder at a path.
 * @throws DuetError 'model-not-found' listing the embedded models
 */
export async function findModel(model: string): Promise<string> {
  const isName = /^[\w-]+$/.test(model);
  const candidates = isName ? [join(embeddedModels, model), model] : [model];
  for (const folder of candidates) {
    if (await isFile(configFile(folder))) return folder;
  }
  const names = await readdir(embeddedModels).catch(() => []);
  throw new DuetError(
    'model-not-found',
    `There is no model ${JSON.stringify(model)}. Embedded models: ${names.join(', ') || 'none'}; ` +
      'or give the path of a model folder, one with a config.json',
  );
}

/** A model's config.json, not checked beyond being an object, with the family that it names. */
export interface FoundModel {
  readonly folder: string;
  /** The path of its config.json. */
  readonly file: string;
  readonly family: string;
  readonly config: unknown;
  /** Seconds since 1970 at which config.json was last changed. */
  readonly created: number;
}

/** @throws DuetError 'model-not-found' | 'invalid-config' */
export async function openModel(model: string): Promise<FoundModel> {
  const folder = await findModel(model);
  const file = configFile(folder);
  const config = await readJsonFile(file);
  const { family = firstFamily } = (config ?? {}) as { readonly family?: unknown };
  if (isLanguageModel(config)) {
    throw new DuetError(
      'invalid-config',
      `${file} is a language model's, which writes texts alone; Duet.loadLanguageModel loads it`,
    );
  }
  if (typeof family !== 'string') throw new DuetError('invalid-config', `${file}: family must be a text`);
  return { folder, file, family, config, created: Math.floor((await stat(file)).mtimeMs / 1000) };
}

function configFile(folder: string): string {
  return join(folder, 'config.json');
}

async function isFile(path: string): Promise<boolean> {
  const stats = await stat(path).catch(() => undefined);
  return stats?.isFile() ?? false;
}

/** Hugging Face's language models name their architecture, and never a family. */
function isLanguageModel(config: unknown): boolean {
  return typeof config === 'object' && config !== null && 'model_type' in config && config.model_type === 'llama';
}
