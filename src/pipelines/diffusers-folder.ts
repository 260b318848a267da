/**
 * Folders as the library diffusers writes them: model_index.json names the pipeline and its components, each of which is
 * a folder with a configuration and weights.
 */
import { stat } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { DuetError } from '../core/errors.ts';
import { readJsonFile } from '../core/json-file.ts';
import { readTextFile } from '../core/text.ts';
import { parseSchedulerJson } from '../sampler/index.ts';

export const indexFile = 'model_index.json';

/** What the folder's small files say; nothing of it is checked beyond being JSON objects. */
export interface DiffusersFolder {
  /** The folder's own name. */
  readonly name: string;
  /** The class of the pipeline, such as `StableDiffusionPipeline`. */
  readonly pipeline: string;
  /** The configuration of each component that is there, by the name of its folder. */
  readonly components: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}

/** Components that draw nothing, and are not read. */
const unread: ReadonlySet<string> = new Set(['safety_checker', 'feature_extractor', 'image_encoder']);

const schedulerFile = 'scheduler_config.json';

/** Files of which a component has one, by preference. */
const configFiles = ['config.json', schedulerFile, 'tokenizer_config.json'];

/** @throws DuetError 'invalid-config' naming the file that is missing or no JSON object */
export async function readDiffusersFolder(folder: string): Promise<DiffusersFolder> {
  const file = join(folder, indexFile);
  const index = await readJsonObject(file);
  const { _class_name: pipeline } = index;
  if (typeof pipeline !== 'string') {
    throw new DuetError('invalid-config', `${file} does not name a pipeline: _class_name is missing`);
  }
  const names = Object.entries(index).filter(([name, value]) => isComponent(value) && !unread.has(name));
  const found = await Promise.all(
    names.map(async ([name]) => {
      const path = await firstFile(configFiles.map(config => join(folder, componentFolder(name, file), config)));
      return path === undefined ? [] : [[name, await readJsonObject(path)] as const];
    }),
  );
  return { name: basename(resolve(folder)), pipeline, components: Object.fromEntries(found.flat()) };
}

/** [library, class]; [null, null] for a component that the pipeline goes without. */
function isComponent(value: unknown): boolean {
  return Array.isArray(value) && value.length === 2 && value.every(part => typeof part === 'string');
}

/** Names become paths, so they must not leave the folder. */
function componentFolder(name: string, file: string): string {
  if (/^\w+$/.test(name)) return name;
  throw new DuetError('invalid-config', `${file}: ${JSON.stringify(name)} cannot be the name of a component`);
}

/** The .safetensors file of a component. Throws DuetError 'invalid-weights' saying what was looked for and what was found. */
export async function weightsOf(folder: string, component: string, base: 'diffusion_pytorch_model' | 'model') {
  const path = join(folder, component);
  const names = [base, `${base}.fp16`].map(name => join(path, `${name}.safetensors`));
  const file = await firstFile(names);
  if (file !== undefined) return file;
  const pickle = base === 'model' ? 'pytorch_model.bin' : `${base}.bin`;
  const hint = (await isFile(join(path, pickle)))
    ? `; ${pickle} is a pickle, which is not read yet: save the model with safetensors`
    : (await isFile(join(path, `${base}.safetensors.index.json`)))
      ? '; weights in several files are not read yet: save them in one'
      : '';
  throw new DuetError('invalid-weights', `${path} has no ${base}.safetensors${hint}`);
}

/** @throws DuetError 'invalid-config' */
export async function readJsonObject(file: string): Promise<Record<string, unknown>> {
  let value: unknown;
  try {
    // Schedulers may hold infinite numbers, as Python writes them.
    value = file.endsWith(schedulerFile)
      ? parseSchedulerJson(await readTextFile(file, 'invalid-config'), file)
      : await readJsonFile(file);
  } catch (error) {
    if (DuetError.isInstance(error)) throw error;
    throw new DuetError('invalid-config', `Cannot read ${file}: ${(error as Error).message}`, { cause: error });
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  throw new DuetError('invalid-config', `${file} holds no JSON object`);
}

/** The first of `files` that is there. */
async function firstFile(files: readonly string[]): Promise<string | undefined> {
  for (const file of files) if (await isFile(file)) return file;
  return undefined;
}

export async function isFile(path: string): Promise<boolean> {
  return stat(path).then(
    stats => stats.isFile(),
    () => false,
  );
}
