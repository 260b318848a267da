/** The finished model that further training starts from, and the model folder that it writes. */
import { join } from 'node:path';
import { DuetError } from '../../core/errors.ts';
import { type HostTensor, isTensorSource, type TensorSource } from '../../core/host-tensor.ts';
import { flattenTree, type Tree } from '../../core/tree.ts';
import { readFileTensor } from '../../engine/file-tensor.ts';
import { type Filled, fillParams, type ParamSpec } from '../../nn/params.ts';
import { findModel } from '../../pipelines/find-model.ts';
import type { ModelConfig } from '../../pipelines/unidiffuser/model-config.ts';
import {
  type Model,
  type ModelWeights,
  modelSpecs,
  readModelFolder,
  writeModelFolder,
} from '../../pipelines/unidiffuser/model-folder.ts';

/** The folder inside a run's folder where it writes its model. */
export const modelFolder = 'model';

/** A model without its U-ViT, which is trained. */
export interface BaseModel extends Omit<Model<HostTensor>, 'weights'> {
  readonly weights: Omit<ModelWeights<HostTensor>, 'uvit'>;
}

/** A complete model in memory, since its files may be replaced during training. */
export async function loadBaseModel(from: string): Promise<Model<HostTensor>> {
  const { weights, ...model } = await readModelFolder(await findModel(from));
  const specs = modelSpecs(model.config);
  return {
    ...model,
    weights: {
      autoencoder: inMemory(specs.autoencoder, weights.autoencoder, from),
      clip: inMemory(specs.clip, weights.clip, from),
      captionDecoder: inMemory(specs.captionDecoder, weights.captionDecoder, from),
      uvit: inMemory(specs.uvit, weights.uvit, from),
      ...(specs.unet && weights.unet && { unet: inMemory(specs.unet, weights.unet, from) }),
    },
  };
}

/** The model without its U-Net, which knows nothing of what the others are about to learn. */
export function withoutUnet({ config, weights, ...model }: Model<HostTensor>): Model<HostTensor> {
  const { unet: _config, ...ownConfig } = config;
  const { unet: _weights, ...ownWeights } = weights;
  return { ...model, config: ownConfig, weights: ownWeights };
}

/** Parameters in memory, wherever they are. */
export function inMemory<S extends Tree<ParamSpec>>(
  spec: S,
  tree: Tree<TensorSource>,
  origin: string,
): Filled<S, HostTensor> {
  const entries = Object.entries(flattenTree(tree, isTensorSource));
  const read = entries.map(([name, source]) => [name, 'data' in source ? source : readFileTensor(source)] as const);
  return fillParams(spec, Object.fromEntries(read), origin);
}

/** @throws DuetError `invalid-config` unless the data's pictures have the model's size */
export function checkPictureSize(
  { data, from }: { readonly data: { readonly size: number }; readonly from: string },
  { imageSize }: Pick<ModelConfig, 'imageSize'>,
): void {
  if (data.size === imageSize) return;
  throw new DuetError(
    'invalid-config',
    `data.size is ${data.size}; the model ${from} makes pictures of ${imageSize} pixels`,
  );
}

/** Writes `model` to `out`/model under another name, without the measured threshold of familiarity: it is the base model's. */
export async function saveTrainedModel(model: Model<HostTensor>, out: string, name: string): Promise<void> {
  const { familiarity: _measured, ...config } = model.config;
  await writeModelFolder(join(out, modelFolder), { ...model, config: { ...config, name } });
}
