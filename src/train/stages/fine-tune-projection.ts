/**
 * Stage `fine-tune-projection`: CLIP's projection of texts in a finished model trained further, which is what finds pictures
 * by words and words by pictures. Neither text latents nor picture embeddings depend on it, so the rest of the model stays valid.
 */
import { clipSpec, createTokenizer } from '../../clip/index.ts';
import { DuetError } from '../../core/errors.ts';
import { fillParams } from '../../nn/params.ts';
import type { FineTuneProjectionStage } from '../config.ts';
import type { Stage } from '../loop.ts';
import { loadBaseModel, modelFolder, saveTrainedModel } from './base-model.ts';
import { clipTraining } from './clip.ts';
import { openSource, openValidation, type StageContext } from './context.ts';

export async function fineTuneProjectionStage(config: FineTuneProjectionStage, context: StageContext): Promise<Stage> {
  const base = await loadBaseModel(config.from);
  const { clip: model } = base.config;
  const { text, vision, logitScale } = base.weights.clip;
  const { projection, ...frozenText } = text;
  if (!projection) throw new DuetError('invalid-config', `The text tower of ${config.from} has no projection to train`);
  const inputs = {
    tokenizer: createTokenizer(base.tokenizer),
    source: await openSource(config.data, context),
    validation: await openValidation(config.data, config.batch * 4),
    initialParams: { text: { projection }, logitScale },
    frozen: { text: frozenText, vision },
  };
  const loss = { score: 'pooled', maxScale: config.maxScale } as const;
  return {
    config,
    ...clipTraining({ ...config, model, loss }, inputs, context),
    save: (ema, out) => {
      const { text: spec } = clipSpec(model);
      const trained = fillParams(
        { text: { projection: spec.projection! }, logitScale: clipSpec(model).logitScale },
        ema,
        'the averaged parameters',
      );
      const clip = { vision, text: { ...frozenText, ...trained.text }, logitScale: trained.logitScale };
      return saveTrainedModel({ ...base, weights: { ...base.weights, clip } }, out, config.name);
    },
    result: modelFolder,
  };
}
