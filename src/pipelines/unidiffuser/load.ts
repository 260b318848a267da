/** A UniDiffuser from its folder, and what draws from contexts by its networks. */
import { frameTokens } from '../../clip/index.ts';
import type { DiffusionModel } from '../context-drawer.ts';
import type { LoadOptions } from '../family.ts';
import { calls } from './calls/table.ts';
import { contextDrawing } from './context-drawing.ts';
import type { ModelConfig } from './model-config.ts';
import { type Model, readModelFolder } from './model-folder.ts';
import { CompiledNetworks } from './networks/compiled-networks.ts';
import { UniDiffuser } from './unidiffuser.ts';

export async function loadUniDiffuser(folder: string, options: LoadOptions = {}): Promise<UniDiffuser> {
  const { config, networks } = await load(folder, options);
  return uniDiffuserOf(config, networks, options);
}

/** @throws DuetError 'model-not-found' | 'invalid-config' | 'invalid-weights' */
export async function loadDiffusionModel(folder: string, options: LoadOptions = {}): Promise<DiffusionModel> {
  const { config, networks } = await load(folder, options);
  return {
    pipeline: uniDiffuserOf(config, networks, options),
    calls,
    drawer: contextDrawing(config, networks),
    release: () => networks.release(),
  };
}

async function load(folder: string, options: LoadOptions): Promise<Model & { readonly networks: CompiledNetworks }> {
  options.signal?.throwIfAborted();
  const model = await readModelFolder(folder);
  return { ...model, networks: await CompiledNetworks.create(model, options) };
}

function uniDiffuserOf(config: ModelConfig, networks: CompiledNetworks, { precision = 'fp32' }: LoadOptions) {
  return new UniDiffuser({
    config,
    networks,
    precision,
    ...(networks.tokenizer.knownWords && { vocabulary: networks.tokenizer.knownWords.toSorted() }),
    inspectCaption: text => {
      const tokens = networks.tokenizer.encode(text).length;
      const unknownWords = networks.tokenizer.unknownWords(text);
      return { unknownWords, cut: tokens > config.textTokens - frameTokens, tokens };
    },
  });
}
