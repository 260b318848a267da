/**
 * Stage `fine-tune-captions`: the caption decoder of a finished model trained further. What makes text latents is frozen
 * (CLIP and the bottleneck), so that the decoder still fits the latents that the model's U-ViT was trained on.
 */
import { createTokenizer } from '../../clip/index.ts';
import { captionDecoderSpec } from '../../lm/index.ts';
import { fillParams } from '../../nn/params.ts';
import type { FineTuneCaptionsStage } from '../config.ts';
import type { Stage } from '../loop.ts';
import { loadBaseModel, modelFolder, saveTrainedModel } from './base-model.ts';
import { captionTraining } from './caption-decoder.ts';
import { openSource, openValidation, type StageContext } from './context.ts';

export async function fineTuneCaptionsStage(config: FineTuneCaptionsStage, context: StageContext): Promise<Stage> {
  const base = await loadBaseModel(config.from);
  const { clip, captionDecoder: model } = base.config;
  const { encodePrefix, ...learned } = base.weights.captionDecoder;
  const inputs = {
    tokenizer: createTokenizer(base.tokenizer),
    textTower: clip.text,
    source: await openSource(config.data, context),
    validation: await openValidation(config.data, config.batch),
    initialParams: learned,
    frozen: { text: base.weights.clip.text, encodePrefix },
  };
  const { encodePrefix: _, ...spec } = captionDecoderSpec(model);
  return {
    config,
    ...captionTraining({ ...config, model }, inputs, context),
    save: (ema, out) => {
      const captionDecoder = { encodePrefix, ...fillParams(spec, ema, 'the averaged parameters') };
      return saveTrainedModel({ ...base, weights: { ...base.weights, captionDecoder } }, out, config.name);
    },
    result: modelFolder,
  };
}
