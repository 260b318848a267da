/** A Stable Diffusion model from its folder. */
import { frameTokens } from '../../clip/index.ts';
import { contextDrawer, type DiffusionModel } from '../context-drawer.ts';
import { readDiffusersFolder } from '../diffusers-folder.ts';
import type { LoadOptions } from '../family.ts';
import type { StableDiffusionParts } from './calls/draw.ts';
import { folderRules } from './calls/requests.ts';
import { calls } from './calls/table.ts';
import { parseStableDiffusion } from './model-config.ts';
import { readModel } from './model-folder.ts';
import { CompiledNetworks } from './networks/compiled-networks.ts';
import { StableDiffusion } from './stable-diffusion.ts';

export async function loadStableDiffusion(folder: string, options: LoadOptions = {}): Promise<StableDiffusion> {
  return new StableDiffusion(await loadParts(folder, options));
}

/** The same, with what draws from contexts. */
export async function loadDiffusionModel(folder: string, options: LoadOptions = {}): Promise<DiffusionModel> {
  const parts = await loadParts(folder, options);
  const pipeline = new StableDiffusion(parts);
  return { pipeline, calls, drawer: contextDrawer(parts), release: () => pipeline.release() };
}

async function loadParts(folder: string, options: LoadOptions = {}): Promise<StableDiffusionParts> {
  options.signal?.throwIfAborted();
  const config = parseStableDiffusion(await readDiffusersFolder(folder), folder);
  const model = await readModel(folder, config, { signal: options.signal });
  const networks = await CompiledNetworks.create(model, options);
  return {
    config,
    networks,
    precision: options.precision ?? 'fp32',
    textTokens: model.textTokens,
    rulesOf: mode => folderRules(mode, config),
    inspectCaption: text => {
      const tokens = networks.tokenizer.encode(text).length;
      return { unknownWords: [], cut: tokens > model.textTokens - frameTokens, tokens };
    },
  };
}
