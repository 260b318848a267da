/** Models that come with the package, and what their names stand for. */
import { basename, dirname, join, relative, resolve } from 'node:path';
import { packageRoot } from '../core/package-root.ts';
import { indexFile, isFile } from './diffusers-folder.ts';

export const embeddedModels = join(packageRoot(), 'models');

/** One that samples pictures and captions, and one that converses and draws with the first. */
export const embeddedModel = 'emoji';
export const embeddedChatModel = 'emoji-chat';

const isName = (model: string) => /^[\w-]+$/.test(model);

/**
 * The folder of an embedded model or, if none is called so, the one at a path.
 * @param base the folder that the path is relative to; by default that of the process
 * @returns undefined if there is no model
 */
export async function modelFolder(model: string, base?: string): Promise<string | undefined> {
  const path = base === undefined ? model : resolve(base, model);
  const candidates = isName(model) ? [join(embeddedModels, model), path] : [path];
  for (const folder of candidates) {
    if ((await isFile(join(folder, 'config.json'))) || (await isFile(join(folder, indexFile)))) return folder;
  }
  return undefined;
}

/** What stands for a model folder in a file of the folder `base`, as `modelFolder` reads it: wherever `base` is taken, an embedded model stays what it is. */
export function modelReference(folder: string, base: string): string {
  const target = resolve(folder);
  if (dirname(target) === embeddedModels) return basename(target);
  const path = relative(base, target);
  return isName(path) ? `./${path}` : path;
}
