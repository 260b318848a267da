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
import { type HostTensor, isTensorSource, type TensorSource } from '../../core/host-tensor.ts';
import { readTextFile } from '../../core/text.ts';
import { flattenTree, mapTree, type Tree } from '../../core/tree.ts';
import { captionDecoderSpec } from '../../lm/index.ts';
import { isParamSpec, type ParamSpec } from '../../nn/params.ts';
import { uvitSpec } from '../../uvit/index.ts';
import { loadSafetensors, openSafetensors } from '../../weights/safetensors.ts';
import { saveSafetensors } from '../../weights/write-safetensors.ts';
import { type ModelConfig, parseModelConfig } from './model-config.ts';

/** The file of each network in a model folder. */
const weightFiles = {
  autoencoder: 'autoencoder.safetensors',
  clip: 'clip.safetensors',
  captionDecoder: 'caption-decoder.safetensors',
  uvit: 'uvit.safetensors',
} as const;

export type NetworkName = keyof typeof weightFiles;

export interface Model<T extends TensorSource = TensorSource> {
  readonly config: ModelConfig;
  readonly tokenizer: TokenizerData;
  /** Parameter trees as the networks' specs describe them. */
  readonly weights: Readonly<Record<NetworkName, Tree<T>>>;
}

/** The parameters that each network of `config` has. */
export function modelSpecs(config: ModelConfig): Record<NetworkName, Tree<ParamSpec>> {
  return {
    autoencoder: autoencoderSpec(config.autoencoder),
    clip: clipSpec(config.clip),
    captionDecoder: captionDecoderSpec(config.captionDecoder),
    uvit: uvitSpec(config.uvit),
  };
}

/**
 * The tree of `spec` filled from tensors by dotted name.
 * @throws DuetError 'invalid-weights' naming what is missing, left over or of another shape
 */
export function fillSpec<T extends TensorSource>(
  spec: Tree<ParamSpec>,
  tensors: Readonly<Record<string, T>>,
  origin: string,
): Tree<T> {
  const expected = flattenTree(spec, isParamSpec);
  const missing = Object.keys(expected).filter(name => !Object.hasOwn(tensors, name));
  const extra = Object.keys(tensors).filter(name => !Object.hasOwn(expected, name));
  if (missing.length > 0 || extra.length > 0) {
    const list = (names: string[]) => (names.length === 0 ? 'nothing' : names.slice(0, 3).join(', '));
    throw new DuetError(
      'invalid-weights',
      `${origin} does not fit its configuration: ${missing.length} parameters are missing (${list(missing)}), ` +
        `${extra.length} are unknown (${list(extra)})`,
    );
  }
  return mapTree(spec, isParamSpec, ({ shape }, name): T => {
    const tensor = tensors[name]!;
    if (tensor.dtype === 'float32' && tensor.shape.join() === shape.join()) return tensor;
    throw new DuetError(
      'invalid-weights',
      `${origin}: ${name} must be float32 [${shape.join(', ')}], got ${tensor.dtype} [${tensor.shape.join(', ')}]`,
    );
  });
}

/** Reads a model folder. Weights stay in their files, which must stay as they are while the model is used. */
export async function readModelFolder(folder: string): Promise<Model> {
  const configFile = join(folder, 'config.json');
  const config = parseModelConfig(parseJson(await readText(configFile), configFile), configFile);
  const tokenizer = parseTokenizerData(await readText(join(folder, 'tokenizer.json')));
  const specs = modelSpecs(config);
  const read = async (name: NetworkName): Promise<[NetworkName, Tree<TensorSource>]> => {
    const file = join(folder, weightFiles[name]);
    return [name, fillSpec(specs[name], (await openSafetensors(file)).tensors, file)];
  };
  const weights = Object.fromEntries(await Promise.all((Object.keys(weightFiles) as NetworkName[]).map(read)));
  return { config, tokenizer, weights: weights as Record<NetworkName, Tree<TensorSource>> };
}

/** Writes a model folder that `readModelFolder` reads; `floats: 'F16'` halves it. */
export async function writeModelFolder(
  folder: string,
  model: Model<HostTensor>,
  options: { readonly floats?: 'F32' | 'F16' } = {},
): Promise<void> {
  await makeFolder(folder);
  const specs = modelSpecs(model.config);
  for (const [name, fileName] of Object.entries(weightFiles) as [NetworkName, string][]) {
    const file = join(folder, fileName);
    const tensors = flattenTree(model.weights[name], isHostTensor);
    fillSpec(specs[name], tensors, file);
    await saveSafetensors(file, tensors, {
      floats: options.floats ?? 'F32',
      metadata: { format: 'duet', part: name },
    });
  }
  await writeFile(join(folder, 'tokenizer.json'), stringifyTokenizerData(model.tokenizer));
  await writeFile(join(folder, 'config.json'), `${JSON.stringify(model.config, undefined, 2)}\n`);
}

/** Copies a model folder in half precision, under a new `name` if one is given. Returns the bytes of its weights. */
export async function packModel(from: string, to: string, name?: string): Promise<number> {
  const { config, tokenizer } = await readModelFolder(from);
  const specs = modelSpecs(config);
  const read = async (network: NetworkName): Promise<[NetworkName, Tree<HostTensor>]> => {
    const file = join(from, weightFiles[network]);
    return [network, fillSpec(specs[network], (await loadSafetensors(file)).tensors, file)];
  };
  const weights = Object.fromEntries(await Promise.all((Object.keys(weightFiles) as NetworkName[]).map(read)));
  const model = { config: { ...config, name: name ?? config.name }, tokenizer, weights };
  await writeModelFolder(to, model as Model<HostTensor>, { floats: 'F16' });
  const sizes = await Promise.all(Object.values(weightFiles).map(async file => (await stat(join(to, file))).size));
  return sizes.reduce((sum, size) => sum + size, 0);
}

function isHostTensor(node: unknown): node is HostTensor {
  return isTensorSource(node) && 'data' in node;
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
