/** A MiniGPT-5 folder in half precision, with the language model if that lies within it. */
import { stat, writeFile } from 'node:fs/promises';
import { join, relative, resolve, sep } from 'node:path';
import { makeFolder } from '../../../core/folders.ts';
import type { TensorSource } from '../../../core/host-tensor.ts';
import type { Tree } from '../../../core/tree.ts';
import { loraSpec } from '../../../lm/index.ts';
import type { ParamSpec } from '../../../nn/params.ts';
import { visualFrontEndSpec } from '../../../vision/index.ts';
import { newRowsSpec, vokenMapperSpec } from '../../../vokens/index.ts';
import { openCheckpoint } from '../../../weights/checkpoint.ts';
import { convertCheckpoint, sameNames } from '../../../weights/convert.ts';
import { modelReference } from '../../embedded-models.ts';
import type { PackOptions } from '../../family.ts';
import { findModel } from '../../find-model.ts';
import { packLlama } from '../../llama/pack-folder.ts';
import { diffusionFolder, readMiniGpt5Config, readMiniGpt5Folder, weightFiles } from './model-folder.ts';

/**
 * Copies the folder; what its config.json names elsewhere stays there, named as it is found from the new place. Returns the
 * bytes of the weights that were written.
 * @throws DuetError 'model-not-found' | 'invalid-config' | 'invalid-weights'
 */
export async function packMiniGpt5(from: string, to: string, options: PackOptions = {}): Promise<number> {
  const config = await readMiniGpt5Config(from);
  const { name = config.name, diffusion } = options;
  const drawsWith = diffusion === undefined ? await diffusionFolder(from, config) : await findModel(diffusion);
  const { language, rows, lora, frontEnd, drawing } = await readMiniGpt5Folder(from);
  const specs: Partial<Record<keyof typeof weightFiles, Tree<ParamSpec>>> = {
    ...(frontEnd && { frontEnd: visualFrontEndSpec(frontEnd.network) }),
    ...(drawing && { mapper: vokenMapperSpec(drawing.mapper) }),
    ...(rows && { rows: newRowsSpec(rowsOf(rows.embedding.weight), language.config.width) }),
    ...(lora && config.lora && { lora: loraSpec(language.config, config.lora.rank) }),
  };
  await makeFolder(to);
  const written: string[] = [];
  for (const [part, spec] of Object.entries(specs) as [keyof typeof weightFiles, Tree<ParamSpec>][]) {
    const [source, file] = [join(from, weightFiles[part]), join(to, weightFiles[part])];
    const options = { floats: 'F16', mayIgnore: () => false } as const;
    await convertCheckpoint(spec, sameNames(spec), await openCheckpoint(source), file, options);
    written.push(file);
  }
  const isWithin = resolve(from, config.languageModel).startsWith(resolve(from) + sep);
  if (isWithin) written.push(await packLlama(join(from, config.languageModel), join(to, config.languageModel)));
  const packed = {
    ...config,
    name,
    languageModel: isWithin ? config.languageModel : relative(to, resolve(from, config.languageModel)),
    diffusion: modelReference(drawsWith, to),
  };
  await writeFile(join(to, 'config.json'), `${JSON.stringify(packed, undefined, 2)}\n`);
  const sizes = await Promise.all(written.map(async file => (await stat(file)).size));
  return sizes.reduce((sum, size) => sum + size, 0);
}

function rowsOf({ shape }: TensorSource): number {
  return shape[0]!;
}
