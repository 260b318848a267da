/**
 * Stage `fine-tune-captions`: the caption decoder of a finished model trained further. What makes text latents is frozen
 * (CLIP and the bottleneck), so that the model's U-ViT goes on to speak the language that the decoder reads.
 */
import { clipTextSpec } from '../../clip/index.ts';
import { captionDecoderSpec } from '../../lm/index.ts';
import type { FineTuneCaptionsStage } from '../config.ts';
import type { Stage } from '../loop.ts';
import { captionTraining } from './caption-decoder.ts';
import { openSource, openValidation, type StageContext } from './context.ts';
import { modelFolder } from './joint-model.ts';
import { fill } from './part.ts';
import { loadWholeModel, partsOf, saveWholeModel } from './whole-model.ts';

export async function fineTuneCaptionsStage(config: FineTuneCaptionsStage, context: StageContext): Promise<Stage> {
  const base = await loadWholeModel(config.from);
  const { clip, captionDecoder, tokenizer } = partsOf(base);
  const { model } = captionDecoder.config;
  const { encodePrefix, ...spec } = captionDecoderSpec(model);
  const material = {
    tokenizer,
    textTower: clip.config.model.text,
    source: await openSource(config.data, context),
    validation: await openValidation(config.data, config.batch),
    initialParams: fill(spec, captionDecoder.tensors),
    frozen: {
      text: fill(clipTextSpec(clip.config.model.text), clip.tensors, 'text.'),
      encodePrefix: fill(encodePrefix, captionDecoder.tensors, 'encodePrefix.'),
    },
  };
  return {
    config,
    ...captionTraining({ ...config, model }, material, context),
    save: (ema, out) =>
      saveWholeModel(base, out, config.name, {
        captionDecoder: fill(captionDecoderSpec(model), { ...captionDecoder.tensors, ...ema }),
      }),
    result: modelFolder,
  };
}
