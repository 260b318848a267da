/** The networks and the tokenizer of a Stable Diffusion folder; weights are converted once, into the cache, and mapped. */
import { join } from 'node:path';
import { autoencoderSpec } from '../../autoencoder/index.ts';
import { clipTextSpec } from '../../clip/index.ts';
import type { TokenizerData } from '../../clip/tokenizer-file.ts';
import type { TensorSource } from '../../core/host-tensor.ts';
import type { Filled } from '../../nn/params.ts';
import { unetSpec } from '../../unet/index.ts';
import { openConverted } from '../../weights/converted.ts';
import { autoencoderLayoutOf, autoencoderRules } from '../../weights/names/autoencoder.ts';
import { clipTextPrefixOf, clipTextRules } from '../../weights/names/clip.ts';
import { unetRules } from '../../weights/names/unet.ts';
import { readClipTokenizer } from '../clip-tokenizer-folder.ts';
import { weightsOf } from '../diffusers-folder.ts';
import type { StableDiffusionConfig } from './model-config.ts';

/** The parameters that each network of `config` has. */
export function modelSpecs(config: StableDiffusionConfig) {
  return {
    unet: unetSpec(config.unet),
    autoencoder: autoencoderSpec(config.autoencoder),
    text: clipTextSpec(config.text),
  };
}

type Specs = ReturnType<typeof modelSpecs>;

export type ModelWeights = { readonly [K in keyof Specs]: Filled<Specs[K], TensorSource> };

export interface Model {
  readonly config: StableDiffusionConfig;
  readonly tokenizer: TokenizerData;
  /** Tokens of a framed text: longer ones are cut. */
  readonly textTokens: number;
  readonly weights: ModelWeights;
}

export interface ReadOptions {
  readonly signal?: AbortSignal | undefined;
}

/** @throws DuetError 'invalid-config' | 'invalid-weights' */
export async function readModel(
  folder: string,
  config: StableDiffusionConfig,
  options: ReadOptions = {},
): Promise<Model> {
  const specs = modelSpecs(config);
  const { data, length = config.text.positions } = await readClipTokenizer(join(folder, 'tokenizer'));
  // Buffers of old versions hold 0, 1, 2, ...; anything else that is left over has a meaning that is not known here.
  const mayIgnore = (name: string) => name.endsWith('position_ids');
  const converting = (name: string) => ({ name, mayIgnore, ...options });
  // One after the other: each conversion holds a tensor in memory and writes a large file.
  const text = await openConverted(
    specs.text,
    names => clipTextRules(config.text, clipTextPrefixOf(names)),
    await weightsOf(folder, 'text_encoder', 'model'),
    converting('clip-text'),
  );
  const autoencoder = await openConverted(
    specs.autoencoder,
    names => autoencoderRules(config.autoencoder, autoencoderLayoutOf(names)),
    await weightsOf(folder, 'vae', 'diffusion_pytorch_model'),
    converting('autoencoder'),
  );
  const unet = await openConverted(
    specs.unet,
    () => unetRules(config.unet),
    await weightsOf(folder, 'unet', 'diffusion_pytorch_model'),
    converting('unet'),
  );
  const textTokens = Math.min(length, config.text.positions);
  return { config, tokenizer: data, textTokens, weights: { unet, autoencoder, text } };
}
