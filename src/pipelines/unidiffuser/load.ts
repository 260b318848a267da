/** Finding and loading models. */
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { frameTokens } from '../../clip/index.ts';
import { DuetError } from '../../core/errors.ts';
import { packageRoot } from '../../core/package-root.ts';
import type { Device, Precision } from '../../engine/index.ts';
import { readModelFolder } from './model-folder.ts';
import { CompiledNetworks } from './networks/compiled-networks.ts';
import { UniDiffuser } from './unidiffuser.ts';

export interface LoadOptions {
  /** @default 'cpu' */
  readonly device?: Device;
  /**
   * How the network that is asked at every step multiplies. `int8` is twice as fast and a little less exact: a sample
   * differs from the same in `fp32`, and a little with what is sampled at the same time.
   * @default 'fp32'
   */
  readonly precision?: Precision;
  /** Threads of the networks. @default all cores */
  readonly threads?: number;
  /**
   * Most evaluations in one network call, over all calls of the model at the same time (a guided picture asks for 2 per
   * step). @default what the device does best, measured meanwhile
   */
  readonly maxBatch?: number;
  readonly signal?: AbortSignal;
}

const embeddedModels = join(packageRoot(), 'models');

/**
 * Loads an embedded model by name or a model folder by path.
 * @throws DuetError 'model-not-found' listing the embedded models
 * @example
 * const model = await Duet.load('emoji');
 */
export async function load(model = 'emoji', options: LoadOptions = {}): Promise<UniDiffuser> {
  options.signal?.throwIfAborted();
  const loaded = await readModelFolder(await findModel(model));
  const networks = await CompiledNetworks.create(loaded, options);
  return new UniDiffuser({
    config: loaded.config,
    networks,
    precision: options.precision ?? 'fp32',
    inspectCaption: text => {
      const tokens = networks.tokenizer.encode(text).length;
      const unknownWords = networks.tokenizer.unknownWords(text);
      return { unknownWords, cut: tokens > loaded.config.textTokens - frameTokens, tokens };
    },
  });
}

/** The folder of an embedded model or the folder at a path. */
export async function findModel(model: string): Promise<string> {
  const isName = /^[\w-]+$/.test(model);
  const candidates = isName ? [join(embeddedModels, model), model] : [model];
  for (const folder of candidates) {
    if (await isFile(join(folder, 'config.json'))) return folder;
  }
  const names = await readdir(embeddedModels).catch(() => []);
  throw new DuetError(
    'model-not-found',
    `There is no model ${JSON.stringify(model)}. Embedded models: ${names.join(', ') || 'none'}; ` +
      'or give the path of a model folder, one with a config.json',
  );
}

async function isFile(path: string): Promise<boolean> {
  const stats = await stat(path).catch(() => undefined);
  return stats?.isFile() ?? false;
}
