/** Stage `caption-decoder`: the bottleneck of the text latents and the small language model that reads it. */

import { type ClipTextConfig, clipTextSpec, createTokenizer, type Tokenizer } from '../../clip/index.ts';
import { parseTokenizerData } from '../../clip/tokenizer-file.ts';
import { float32, type HostTensor } from '../../core/host-tensor.ts';
import { seededRandom } from '../../core/random.ts';
import { captionDecoderSpec } from '../../lm/index.ts';
import { fillParams, initialise } from '../../nn/params.ts';
import type { CaptionDecoderStage, CaptionTraining } from '../config.ts';
import { batchIndices, captionBatch } from '../data/source.ts';
import { lossEvaluation } from '../evaluation.ts';
import type { Stage } from '../loop.ts';
import {
  type CaptionDecoderFrozen,
  captionDecoderObjective,
  type LearnedDecoder,
} from '../objectives/caption-decoder.ts';
import { randomStream } from '../random.ts';
import { openSource, openValidation, type StageContext, type StageInputs, type Training } from './context.ts';
import { loadTrainedNetwork } from './trained-network.ts';

export async function captionDecoderStage(config: CaptionDecoderStage, context: StageContext): Promise<Stage> {
  const clip = await loadTrainedNetwork(config.parts.clip, 'clip');
  const textTower = clip.config.model.text;
  const inputs = {
    tokenizer: createTokenizer(parseTokenizerData(clip.metadata['tokenizer']!)),
    textTower,
    source: await openSource(config.data, context),
    validation: await openValidation(config.data, config.batch),
    initialParams: initialise(captionDecoderSpec(config.model), seededRandom(config.seed)),
    frozen: { text: fillParams(clipTextSpec(textTower), clip.tensors, config.parts.clip, 'text.') },
  };
  return { config, ...captionTraining(config, inputs, context) };
}

/** `encodePrefix` of the decoder is in `initialParams` or in `frozen`. */
export interface CaptionStageInputs extends StageInputs<LearnedDecoder, CaptionDecoderFrozen> {
  readonly textTower: ClipTextConfig;
}

export function captionTraining(
  config: CaptionTraining,
  { tokenizer, textTower, source, validation, initialParams, frozen }: CaptionStageInputs,
  context: StageContext,
): Training {
  const objective = captionDecoderObjective(config, textTower);
  const options = { ...context.engine, name: 'evaluate-caption-decoder' };
  const evaluation = lossEvaluation({ objective, initialParams, frozen }, options);
  return {
    objective,
    initialParams,
    frozen,
    batch: async step => {
      const indices = batchIndices(config.seed, step, config.batch, source.size);
      const captions = captionBatch(source, indices, config.seed, step);
      return captionInputs(captions, tokenizer, config, step, next => next() * config.noise);
    },
    sample: async ema => {
      const executable = await evaluation.on(ema);
      const indices = Array.from({ length: config.batch }, (_, i) => i % validation.size);
      const captions = captionBatch(validation, indices, config.seed, 0);
      const metrics: Record<string, number> = {};
      for (const level of [0, 0.25, 0.5, 1]) {
        const { accuracy } = await executable.run(captionInputs(captions, tokenizer, config, 0, () => level));
        metrics[`heldOutAccuracyNoise${level}`] = accuracy!.data[0]!;
      }
      return { metrics };
    },
    release: evaluation.release,
  };
}

function captionInputs(
  captions: readonly string[],
  tokenizer: Tokenizer,
  config: CaptionTraining,
  step: number,
  noiseLevel: (next: () => number) => number,
): Record<string, HostTensor> {
  const { prefixLength: length, latentWidth } = config.model;
  const rows = captions.length;
  const ids = tokenizer.frameBatch(captions, length);
  const tokens = new Int32Array(rows * length).fill(tokenizer.padId);
  const tokenMask = new Float32Array(rows * length);
  for (let row = 0; row < rows; row++) {
    const framed = ids.data.subarray(row * length + 1, (row + 1) * length);
    tokens.set(framed, row * length);
    tokenMask.fill(1, row * length, row * length + framed.indexOf(tokenizer.endId) + 1);
  }
  const random = randomStream(config.seed, 'noise', step);
  const levels = Float32Array.from({ length: rows }, () => noiseLevel(random.next));
  return {
    ids,
    tokens: { dtype: 'int32', shape: [rows, length], data: tokens },
    tokenMask: float32([rows, length], tokenMask),
    noise: float32([rows, length, latentWidth], random.normal(rows * length * latentWidth)),
    noiseLevel: float32([rows], levels),
  };
}
