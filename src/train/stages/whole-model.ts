/** A finished model as the beginning of further training. */
import { join } from 'node:path';
import { createTokenizer } from '../../clip/index.ts';
import { type HostTensor, isTensorSource, type TensorSource } from '../../core/host-tensor.ts';
import { flattenTree, mapTree, type Tree } from '../../core/tree.ts';
import { readFileTensor } from '../../engine/file-tensor.ts';
import { findModel } from '../../pipelines/unidiffuser/load.ts';
import { type Model, readModelFolder, writeModelFolder } from '../../pipelines/unidiffuser/model-folder.ts';
import { modelFolder } from './joint-model.ts';
import type { JointParts } from './joint-parts.ts';

/** The whole model in memory: its files may be replaced while it is trained. */
export async function loadWholeModel(from: string): Promise<Model<HostTensor>> {
  const { weights, ...model } = await readModelFolder(await findModel(from));
  const inMemory = (source: TensorSource): HostTensor => ('data' in source ? source : readFileTensor(source));
  const entries = Object.entries(weights).map(([name, tree]) => [name, mapTree(tree, isTensorSource, inMemory)]);
  return { ...model, weights: Object.fromEntries(entries) as Model<HostTensor>['weights'] };
}

/** Writes it to `out`/model under another name, with the networks in `trained` in place of its own. */
export async function saveWholeModel(
  base: Model<HostTensor>,
  out: string,
  name: string,
  trained: Partial<Model<HostTensor>['weights']>,
): Promise<void> {
  const config = { ...base.config, name };
  await writeModelFolder(join(out, modelFolder), { ...base, config, weights: { ...base.weights, ...trained } });
}

/** Its networks as stages use them. */
export function partsOf({ config, tokenizer, weights }: Model<HostTensor>): JointParts {
  const part = <M>(model: M, tree: Tree<HostTensor>) => ({
    config: { model },
    tensors: flattenTree<HostTensor>(tree, isTensorSource as (node: unknown) => node is HostTensor),
  });
  return {
    autoencoder: part(config.autoencoder, weights.autoencoder),
    clip: part(config.clip, weights.clip),
    captionDecoder: part(config.captionDecoder, weights.captionDecoder),
    tokenizer: createTokenizer(tokenizer),
    tokenizerData: tokenizer,
  };
}
