/**
 * UniDiffuser's caption decoder (Bao et al., arXiv 2303.06555, section 4; docs/reference/unidiffuser.md). A linear map
 * reduces the text states at each position to a latent; a second one makes the prefix of it that a GPT-2 reads, as in
 * ClipCap (Mokady et al., arXiv 2111.09734, section 3).
 */
import * as tf from '@tensorflow/tfjs';
import Type from 'typebox';
import { linearLayer, linearSpec } from '../nn/linear.ts';
import type { Params } from '../nn/params.ts';
import { gpt2, gpt2ConfigSchema, gpt2Logits, gpt2Spec, tokenLoss } from './gpt2.ts';
import { embedTokens } from './language-model.ts';

const size = Type.Integer({ minimum: 1 });

export const captionDecoderConfigSchema = Type.Object(
  {
    /** Positions of the text latent. */
    prefixLength: size,
    /** Width of the text encoder's states. */
    stateWidth: size,
    /** Channels of the text latent. */
    latentWidth: size,
    gpt2: gpt2ConfigSchema,
  },
  { additionalProperties: false },
);

export type CaptionDecoderConfig = Type.Static<typeof captionDecoderConfigSchema>;

export function captionDecoderSpec({ stateWidth, latentWidth, gpt2 }: CaptionDecoderConfig) {
  return {
    encodePrefix: linearSpec(stateWidth, latentWidth, { std: stateWidth ** -0.5 }),
    decodePrefix: linearSpec(latentWidth, gpt2.width, { std: latentWidth ** -0.5 }),
    gpt2: gpt2Spec(gpt2),
  };
}

export type CaptionDecoderParams = Params<ReturnType<typeof captionDecoderSpec>>;

/** Text states [B, P, S] -> text latent [B, P, d]. */
export function encodePrefix(params: Pick<CaptionDecoderParams, 'encodePrefix'>, states: tf.Tensor): tf.Tensor {
  return linearLayer(params.encodePrefix, states);
}

/** Text latent [B, P, d] -> prefix embeddings [B, P, W]. */
export function decodePrefix(params: CaptionDecoderParams, latent: tf.Tensor): tf.Tensor {
  return linearLayer(params.decodePrefix, latent);
}

export interface CaptionInputs {
  /** The text latent that the decoder reads, with any noise already added, [B, P, d]. */
  readonly latent: tf.Tensor;
  /** int32 [B, L]. */
  readonly tokens?: tf.Tensor | undefined;
}

/** Logits over prefix and tokens, [B, P + L, V]; without tokens [B, P, V]. Position i predicts the token at i + 1. */
export function captionLogits(
  params: CaptionDecoderParams,
  inputs: CaptionInputs,
  config: CaptionDecoderConfig,
): tf.Tensor {
  return gpt2Logits(params.gpt2, decoderStates(params, inputs, config));
}

/** Logits of the tokens themselves, [B, L, V]: row i is the prediction of tokens[i] from what comes before it. */
export function tokenLogits(
  params: CaptionDecoderParams,
  inputs: CaptionInputs & { readonly tokens: tf.Tensor },
  config: CaptionDecoderConfig,
): tf.Tensor {
  const [batch, length] = inputs.tokens.shape as [number, number];
  const states = decoderStates(params, inputs, config);
  const before = tf.slice(states, [0, inputs.latent.shape[1]! - 1, 0], [batch, length, config.gpt2.width]);
  return gpt2Logits(params.gpt2, before);
}

function decoderStates(
  params: CaptionDecoderParams,
  { latent, tokens }: CaptionInputs,
  config: CaptionDecoderConfig,
): tf.Tensor {
  const prefix = decodePrefix(params, latent);
  const embeddings = tokens ? tf.concat([prefix, embedTokens(params.gpt2, tokens)], 1) : prefix;
  return gpt2(params.gpt2, { embeddings }, config.gpt2);
}

export interface CaptionLossInputs extends CaptionInputs {
  /** The caption's tokens with the end token, padded at will, int32 [B, L]. */
  readonly tokens: tf.Tensor;
  /** [B, L], 1 for tokens that count (the end token is one of them). @default all */
  readonly tokenMask?: tf.Tensor | undefined;
}

export interface CaptionLossOptions {
  /**
   * Whether token 0 counts as the label after each prefix position but the last, as in the original's training
   * (docs/reference/unidiffuser.md, "Captions"). These labels carry no information about captions. @default false
   */
  readonly countPrefix?: boolean;
}

/** Cross entropy of a caption given its latent, a scalar: the mean over all positions that count. */
export function captionLoss(
  params: CaptionDecoderParams,
  { latent, tokens, tokenMask }: CaptionLossInputs,
  config: CaptionDecoderConfig,
  { countPrefix = false }: CaptionLossOptions = {},
): tf.Tensor {
  if (!countPrefix) return tokenLoss(tokenLogits(params, { latent, tokens }, config), tokens, tokenMask);
  const [batch, length] = tokens.shape as [number, number];
  const uncounted = latent.shape[1]! - 1;
  const logits = captionLogits(params, { latent, tokens }, config);
  const predictions = tf.slice(logits, [0, 0, 0], [batch, uncounted + length, config.gpt2.vocabularySize]);
  const labels = tf.concat([tf.zeros([batch, uncounted], 'int32'), tf.cast(tokens, 'int32')], 1);
  const weights = tokenMask && tf.concat([tf.ones([batch, uncounted]), tokenMask], 1);
  return tokenLoss(predictions, labels, weights);
}
