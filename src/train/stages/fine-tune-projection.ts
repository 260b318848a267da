/**
 * Stage `fine-tune-projection`: CLIP's projection of texts in a finished model trained further, which is what finds pictures
 * by words and words by pictures. Neither text latents nor picture embeddings depend on it, so the rest goes on as it was.
 */
import { type ClipParams, clipSpec } from '../../clip/index.ts';
import { DuetError } from '../../core/errors.ts';
import type { HostTensor } from '../../core/host-tensor.ts';
import type { Tree } from '../../core/tree.ts';
import type { FineTuneProjectionStage } from '../config.ts';
import type { Stage } from '../loop.ts';
import { clipTraining } from './clip.ts';
import { openSource, openValidation, type StageContext } from './context.ts';
import { modelFolder } from './joint-model.ts';
import { fill } from './part.ts';
import { loadWholeModel, partsOf, saveWholeModel } from './whole-model.ts';

export async function fineTuneProjectionStage(config: FineTuneProjectionStage, context: StageContext): Promise<Stage> {
  const base = await loadWholeModel(config.from);
  const { clip, tokenizer } = partsOf(base);
  const { model } = clip.config;
  const { text, vision, logitScale } = fill(clipSpec(model), clip.tensors) as Record<
    keyof ClipParams,
    Tree<HostTensor>
  >;
  const { projection, ...frozenText } = text as Record<string, Tree<HostTensor>>;
  if (!projection) throw new DuetError('invalid-config', `The text tower of ${config.from} has no projection to train`);
  const material = {
    tokenizer,
    source: await openSource(config.data, context),
    validation: await openValidation(config.data, config.batch * 4),
    initialParams: { text: { projection }, logitScale },
    frozen: { text: frozenText, vision },
  };
  const loss = { score: 'pooled', maxScale: config.maxScale } as const;
  return {
    config,
    ...clipTraining({ ...config, model, loss }, material, context),
    save: (ema, out) =>
      saveWholeModel(base, out, config.name, { clip: fill(clipSpec(model), { ...clip.tensors, ...ema }) }),
    result: modelFolder,
  };
}
