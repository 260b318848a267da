/**
 * A model on disk: config.json, tokenizer.json and one .safetensors file per network, under Duet's own parameter names.
 * Names and shapes are checked against the networks' specs when read and when written.
 */
import { stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { autoencoderSpec } from '../../autoencoder/index.ts';
import { clipSpec } from '../../clip/index.ts';
import { parseTokenizerData, stringifyTokenizerData, type TokenizerData } from '../../clip/tokenizer-file.ts';
import { DuetError } from '../../core/errors.ts';
import { makeFolder } from '../../core/folders.ts';
import { type HostTensor, isHostTensor, type TensorSource } from '../../core/host-tensor.ts';
import { readTextFile } from '../../core/text.ts';
import { flattenTree, type Tree } from '../../core/tree.ts';
import { captionDecoderSpec } from '../../lm/index.ts';
import { type Filled, fillParams, type ParamSpec } from '../../nn/params.ts';
import { unetSpec } from '../../unet/index.ts';
import { jointUvitSpec } from '../../uvit/index.ts';
import { openCheckpoint } from '../../weights/checkpoint.ts';
import { convertCheckpoint, sameNames } from '../../weights/convert.ts';
import { openSafetensors } from '../../weights/safetensors.ts';
import { saveSafetensors } from '../../weights/write-safetensors.ts';
import type { PackOptions } from '../family.ts';
import { type ModelConfig, parseModelConfig } from './model-config.ts';

/** The file of each network in a model folder. */
export const weightFiles = {
  autoencoder: 'autoencoder.safetensors',
  clip: 'clip.safetensors',
  captionDecoder: 'caption-decoder.safetensors',
  uvit: 'uvit.safetensors',
  /** Of models that have one. */
  unet: 'unet.safetensors',
} as const;

type NetworkName = keyof typeof weightFiles;

/** The parameters that each network of `config` has. */
export function modelSpecs(config: ModelConfig) {
  return {
    autoencoder: autoencoderSpec(config.autoencoder),
    clip: clipSpec(config.clip),
    captionDecoder: captionDecoderSpec(config.captionDecoder),
    uvit: jointUvitSpec(config.uvit),
    ...(config.unet && { unet: unetSpec(config.unet.network) }),
  } satisfies Record<Exclude<NetworkName, 'unet'>, Tree<ParamSpec>>;
}

/** The specs of the networks that a model has, by their names. */
function specEntries(config: ModelConfig): [NetworkName, Tree<ParamSpec>][] {
  return Object.entries(modelSpecs(config)) as [NetworkName, Tree<ParamSpec>][]; // Object.entries forgets the keys' type
}

type ModelSpecs = ReturnType<typeof modelSpecs>;

/** The parameters of all networks, as their specs describe them. */
export type ModelWeights<T extends TensorSource = TensorSource> = {
  readonly [K in Exclude<NetworkName, 'unet'>]: Filled<ModelSpecs[K], T>;
} & { readonly unet?: Filled<NonNullable<ModelSpecs['unet']>, T> };

export interface Model<T extends TensorSource = TensorSource> {
  readonly config: ModelConfig;
  readonly tokenizer: TokenizerData;
  readonly weights: ModelWeights<T>;
}

/** Reads a model folder. Weights stay in their files, which must stay as they are while the model is used. */
export async function readModelFolder(folder: string): Promise<Model> {
  const configFile = join(folder, 'config.json');
  const config = parseModelConfig(parseJson(await readText(configFile), configFile), configFile);
  const tokenizer = parseTokenizerData(await readText(join(folder, 'tokenizer.json')));
  const { unet, ...specs } = modelSpecs(config);
  const read = async <S extends Tree<ParamSpec>>(name: NetworkName, spec: S): Promise<Filled<S, TensorSource>> => {
    const file = join(folder, weightFiles[name]);
    return fillParams(spec, (await openSafetensors(file)).tensors, file);
  };
  const [autoencoder, clip, captionDecoder, uvit, ownUnet] = await Promise.all([
    read('autoencoder', specs.autoencoder),
    read('clip', specs.clip),
    read('captionDecoder', specs.captionDecoder),
    read('uvit', specs.uvit),
    unet && read('unet', unet),
  ]);
  const weights = { autoencoder, clip, captionDecoder, uvit, ...(ownUnet && { unet: ownUnet }) };
  return { config, tokenizer, weights };
}

/** Writes a model folder that `readModelFolder` reads; `floats: 'F16'` halves it. */
export async function writeModelFolder(
  folder: string,
  model: Model<HostTensor>,
  options: { readonly floats?: 'F32' | 'F16' } = {},
): Promise<void> {
  await makeFolder(folder);
  for (const [name, spec] of specEntries(model.config)) {
    const file = join(folder, weightFiles[name]);
    const tensors = flattenTree<HostTensor>(model.weights[name] ?? {}, isHostTensor);
    fillParams(spec, tensors, file);
    await saveSafetensors(file, tensors, { floats: options.floats ?? 'F32', metadata: weightMetadata(name) });
  }
  await writeTexts(folder, model);
}

/**
 * Copies a model folder in half precision, tensor by tensor. Returns the bytes of its weights.
 */
export async function packModel(from: string, to: string, { name }: PackOptions = {}): Promise<number> {
  const { config, tokenizer } = await readModelFolder(from);
  await makeFolder(to);
  let bytes = 0;
  for (const [network, spec] of specEntries(config)) {
    const [source, file] = [join(from, weightFiles[network]), join(to, weightFiles[network])];
    await convertCheckpoint(spec, sameNames(spec), await openCheckpoint(source), file, {
      floats: 'F16',
      metadata: weightMetadata(network),
      mayIgnore: () => false,
    });
    bytes += (await stat(file)).size;
  }
  await writeTexts(to, { config: { ...config, name: name ?? config.name }, tokenizer });
  return bytes;
}

function weightMetadata(name: NetworkName): Record<string, string> {
  return { format: 'duet', part: name };
}

async function writeTexts(folder: string, { config, tokenizer }: Pick<Model, 'config' | 'tokenizer'>): Promise<void> {
  await writeFile(join(folder, 'tokenizer.json'), stringifyTokenizerData(tokenizer));
  await writeFile(join(folder, 'config.json'), `${JSON.stringify(config, undefined, 2)}\n`);
}

async function readText(file: string): Promise<string> {
  try {
    return await readTextFile(file, 'invalid-config');
  } catch (error) {
    if (DuetError.isInstance(error)) throw error;
    throw new DuetError(
      'model-not-found',
      `Cannot read ${file}; a model folder holds config.json, tokenizer.json and weights`,
      {
        cause: error,
      },
    );
  }
}

function parseJson(text: string, file: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new DuetError('invalid-config', `${file} is not JSON`, { cause: error });
  }
}
