/**
 * The caption decoder's objective: a text latent (the bottleneck of the frozen CLIP text states) must give its caption
 * back through the prefix of a small language model, also when it is noisy, since sampled latents will be.
 */
import * as tf from '@tensorflow/tfjs';
import { type ClipTextConfig, type ClipTextParams, clipText } from '../../clip/index.ts';
import type { TensorRecord } from '../../engine/types.ts';
import { type CaptionDecoderParams, captionLogits, encodePrefix, tokenLoss } from '../../lm/index.ts';
import type { CaptionTraining } from '../config.ts';
import type { LossResult, Objective } from '../step.ts';
import { tokenAccuracy } from './token-accuracy.ts';

/** What is trained: all of the decoder, or all but the bottleneck. */
export type LearnedDecoder = Omit<CaptionDecoderParams, 'encodePrefix'> &
  Partial<Pick<CaptionDecoderParams, 'encodePrefix'>>;

/** The bottleneck is learned, or frozen where the latents are those of a finished model. */
export interface CaptionDecoderFrozen {
  readonly text: ClipTextParams;
  readonly encodePrefix?: CaptionDecoderParams['encodePrefix'];
}

/**
 * Inputs: `ids` int32 [B, L] (framed captions); `tokens` int32 [B, L] (the same without the start token, padded) and
 * `tokenMask` [B, L], 1 up to the end token; `noise` [B, L, d] and `noiseLevel` [B], in standard deviations of the latents.
 */
export function captionDecoderObjective(
  config: Pick<CaptionTraining, 'batch' | 'model'>,
  textTower: ClipTextConfig,
): Objective<LearnedDecoder, CaptionDecoderFrozen> {
  const { batch, model } = config;
  const { prefixLength, latentWidth } = model;
  return {
    inputs: {
      ids: { dtype: 'int32', shape: [batch, prefixLength] },
      tokens: { dtype: 'int32', shape: [batch, prefixLength] },
      tokenMask: { dtype: 'float32', shape: [batch, prefixLength] },
      noise: { dtype: 'float32', shape: [batch, prefixLength, latentWidth] },
      noiseLevel: { dtype: 'float32', shape: [batch] },
    },
    loss: (params, frozen, inputs) => reconstruct(params, frozen, inputs, config, textTower),
  };
}

function reconstruct(
  learned: LearnedDecoder,
  frozen: CaptionDecoderFrozen,
  inputs: TensorRecord,
  { model }: Pick<CaptionTraining, 'model'>,
  textTower: ClipTextConfig,
): LossResult {
  type Name = 'ids' | 'tokens' | 'tokenMask' | 'noise' | 'noiseLevel';
  const { ids, tokens, tokenMask, noise, noiseLevel } = inputs as Record<Name, tf.Tensor>;
  const bottleneck = frozen.encodePrefix ?? learned.encodePrefix;
  if (!bottleneck) throw new Error('encodePrefix is among the learned or the frozen parameters');
  const params = { ...learned, encodePrefix: bottleneck };
  const latents = encodePrefix(params, clipText(frozen.text, { ids }, textTower));
  // Noise is relative to the batch's standard deviation, so that a larger scale of the latents cannot make it negligible.
  const spread = tf.sqrt(tf.mean(tf.square(tf.sub(latents, tf.mean(latents, [0, 1]))), [0, 1])); // [d]
  const latent = tf.add(latents, tf.mul(tf.mul(noise, noiseLevel.reshape([-1, 1, 1])), spread));
  const [batch, length] = tokens.shape as [number, number];
  const { prefixLength } = model;
  const logits = tf.slice(
    captionLogits(params, { latent, tokens }, model),
    [0, prefixLength - 1, 0],
    [batch, length, model.gpt2.vocabularySize],
  );
  return {
    loss: tokenLoss(logits, tokens, tokenMask) as tf.Scalar,
    metrics: { accuracy: tokenAccuracy(logits, tokens, tokenMask) },
  };
}
