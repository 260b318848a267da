/** A language model as decoding sees it, and the programs that decoding runs. */
import * as tf from '@tensorflow/tfjs';
import { type EmbeddingSpec, embeddingLayer } from '../nn/linear.ts';
import type { Params } from '../nn/params.ts';
import {
  cacheFromNames,
  cacheLayout,
  type KeyValueCache,
  type KeyValueCacheSize,
  nameCache,
} from './key-value-cache.ts';

/** Sequences that are read whole. */
export interface SequenceInputs {
  /** [B, L, W], without positions; {@link embedTokens} gives those of token ids. */
  readonly embeddings: tf.Tensor;
  /** [B, L], 1 = visible key. @default all visible */
  readonly mask?: tf.Tensor | undefined;
  /** int32 [B, L]. @default 0, 1, 2, ... */
  readonly positions?: tf.Tensor | undefined;
}

/** ids int32 [B, L] -> [B, L, W], without positions. */
export function embedTokens(params: { readonly tokenEmbedding: Params<EmbeddingSpec> }, ids: tf.Tensor): tf.Tensor {
  return embeddingLayer(params.tokenEmbedding, ids);
}

export interface ExtendInputs {
  /** Embeddings of the new positions, [B, N, W]; for token ids `embed` gives them. */
  readonly embeddings: tf.Tensor;
  /** Keys and values of P cached positions, [B, P, ...] each. */
  readonly past: KeyValueCache;
  /** The number of them that row b has, int32 [B]; the positions after those are masked. */
  readonly pastLengths: tf.Tensor;
  /** Of models with an encoder: how many of them are the prompt's, int32 [B]. */
  readonly promptLengths?: tf.Tensor | undefined;
}

export interface Extended {
  /** Hidden states of the new positions after the last norm, [B, N, W]. */
  readonly hidden: tf.Tensor;
  /** Keys and values of the new positions, [B, N, ...] each. */
  readonly added: KeyValueCache;
}

/** What reads prompts, where another network than the one that writes does. */
export interface PromptEncoder<P> {
  /** The token that an answer begins with, which is read behind the prompt. */
  readonly startId: number;
  /** A whole prompt, [B, N, W], as what the cache holds of its positions. */
  encode(params: P, embeddings: tf.Tensor): KeyValueCache;
}

/** @typeParam P its parameters */
export interface LanguageModel<P> {
  readonly cache: KeyValueCacheSize;
  /** Whether positions that are read in one call are what they are when they are read in several. */
  readonly readsInParts: boolean;
  /** ids int32 [B, N] -> [B, N, W]. */
  embed(params: P, ids: tf.Tensor): tf.Tensor;
  /** @default prompts are read as what is written */
  readonly encoder?: PromptEncoder<P>;
  extend(params: P, inputs: ExtendInputs): Extended;
  /** Hidden states [B, W] -> logits [B, V]. */
  logits(params: P, hidden: tf.Tensor): tf.Tensor;
}

export interface DecodingOptions<P, M> {
  readonly model: LanguageModel<M>;
  /** Selects the language model's parameters. */
  readonly params: (params: P) => M;
  /** What may stand in a sequence beside tokens, such as image features or a latent. @default nothing */
  readonly vectors?: DecodingVectors<P>;
}

export interface DecodingVectors<P> {
  /** Width D of one. */
  readonly width: number;
  /** [B, N, D] -> embeddings [B, N, W]. */
  readonly embed: (params: P, vectors: tf.Tensor) => tf.Tensor;
}

type ProgramRun<P> = (args: { params: P; inputs: Readonly<Record<string, tf.Tensor>> }) => {
  outputs: Record<string, tf.Tensor>;
};

/**
 * The program of decoding: adds N positions to each sequence. Inputs: `ids` int32 [B, N]; where the program takes vectors,
 * `vectors` [B, N, D], of which one stands wherever the id is negative. Outputs: `logits` [B, V] of the token after the last
 * position, `hidden` [B, N, W], the states of the new positions after the last norm, and what is added to the cache. Where a model has an encoder, there is a second program of the same inputs, which adds a
 * whole prompt to empty sequences and answers nothing; the first one then takes `promptLengths` int32 [B] as well.
 */
export interface DecodingProgram<P> {
  readonly run: ProgramRun<P>;
  readonly encoder?: { readonly startId: number; readonly run: ProgramRun<P> };
  /** What one position of a sequence takes. */
  readonly layout: ReturnType<typeof cacheLayout>;
  /** Width of a vector; 0 where it takes none. */
  readonly vectorWidth: number;
  /** Whether positions that are added in one call are what they are when they are added in several. */
  readonly readsInParts: boolean;
}

export function decodingProgram<P, M>(options: DecodingOptions<P, M>): DecodingProgram<P> {
  const { model, vectors } = options;
  const embed = (params: P, inputs: Readonly<Record<string, tf.Tensor>>): tf.Tensor => {
    const ids = inputs['ids']!;
    const own = options.params(params);
    if (!vectors) return model.embed(own, ids);
    const tokens = model.embed(own, tf.maximum(ids, tf.scalar(0, 'int32')));
    const isToken = tf.greaterEqual(ids, tf.scalar(0, 'int32')).expandDims(2);
    return tf.where(isToken, tokens, vectors.embed(params, inputs['vectors']!));
  };
  const { encoder } = model;
  return {
    ...(encoder && {
      encoder: {
        startId: encoder.startId,
        run: ({ params, inputs }) => ({
          outputs: nameCache(encoder.encode(options.params(params), embed(params, inputs))),
        }),
      },
    }),
    run: ({ params, inputs }) => {
      const own = options.params(params);
      const past = cacheFromNames(inputs, model.cache.layers);
      const embeddings = embed(params, inputs);
      const { pastLengths, promptLengths } = inputs;
      const { hidden, added } = model.extend(own, { embeddings, past, pastLengths: pastLengths!, promptLengths });
      const [batch, length, width] = hidden.shape as [number, number, number];
      const last = tf.slice(hidden, [0, length - 1, 0], [batch, 1, width]).reshape([batch, width]);
      const logits = model.logits(own, last);
      return { outputs: { logits, hidden, ...nameCache(added) } };
    },
    layout: cacheLayout(model.cache),
    vectorWidth: vectors?.width ?? 0,
    readsInParts: model.readsInParts,
  };
}
