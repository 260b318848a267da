/** A decoder-only language model as decoding sees it, and the two programs that decoding runs. */
import * as tf from '@tensorflow/tfjs';
import {
  cacheFromNames,
  cacheLayout,
  type KeyValueCache,
  type KeyValueCacheSize,
  nameCache,
} from './key-value-cache.ts';

export interface ExtendInputs {
  /** Embeddings of the new positions, [B, N, W]; for token ids `embed` gives them. */
  readonly embeddings: tf.Tensor;
  /** Keys and values of P cached positions, [B, P, ...] each. */
  readonly past: KeyValueCache;
  /** The number of them that row b has, int32 [B]; the positions after those are masked. */
  readonly pastLengths: tf.Tensor;
}

export interface Extended {
  /** Hidden states of the new positions after the last norm, [B, N, W]. */
  readonly hidden: tf.Tensor;
  /** Keys and values of the new positions, [B, N, ...] each. */
  readonly added: KeyValueCache;
}

/** @typeParam P its parameters */
export interface LanguageModel<P> {
  readonly cache: KeyValueCacheSize;
  /** ids int32 [B, N] -> [B, N, W]. */
  embed(params: P, ids: tf.Tensor): tf.Tensor;
  extend(params: P, inputs: ExtendInputs): Extended;
  /** Hidden states [B, W] -> logits [B, V]. */
  logits(params: P, hidden: tf.Tensor): tf.Tensor;
}

export interface DecodingProgramsOptions<P, M> {
  readonly model: LanguageModel<M>;
  /** Selects the language model's parameters. */
  readonly params: (params: P) => M;
  /** Embeddings [B, L, W] of the input `prefix`. */
  readonly embedPrefix: (params: P, prefix: tf.Tensor) => tf.Tensor;
  /** Whether the hidden state that each token is chosen from, [B, W], is an output `hidden`. @default false */
  readonly withHidden?: boolean;
}

/** A function of tensors that extends sequences: their cache and `pastLengths` are among its inputs, what it adds among its outputs. */
export type DecodingProgram<P> = (args: { params: P; inputs: Readonly<Record<string, tf.Tensor>> }) => {
  outputs: Record<string, tf.Tensor>;
};

export interface DecodingPrograms<P> {
  /** Input `prefix` [B, L, ...]; outputs `logits` [B, V] of the next token. */
  readonly prefill: DecodingProgram<P>;
  /** Input `ids` int32 [B], the newest token of each row; outputs as of `prefill`. */
  readonly step: DecodingProgram<P>;
  /** What one position of a sequence takes. */
  readonly layout: ReturnType<typeof cacheLayout>;
}

export function decodingPrograms<P, M>(options: DecodingProgramsOptions<P, M>): DecodingPrograms<P> {
  const { model, withHidden = false } = options;
  const extend = (
    params: M,
    embeddings: tf.Tensor,
    inputs: Readonly<Record<string, tf.Tensor>>,
  ): { outputs: Record<string, tf.Tensor> } => {
    const past = cacheFromNames(inputs, model.cache.layers);
    const { hidden, added } = model.extend(params, { embeddings, past, pastLengths: inputs['pastLengths']! });
    const [batch, length, width] = hidden.shape as [number, number, number];
    const last = tf.slice(hidden, [0, length - 1, 0], [batch, 1, width]).reshape([batch, width]);
    const logits = model.logits(params, last);
    return { outputs: { logits, ...(withHidden && { hidden: last }), ...nameCache(added) } };
  };
  return {
    prefill: ({ params, inputs }) =>
      extend(options.params(params), options.embedPrefix(params, inputs['prefix']!), inputs),
    step: ({ params, inputs }) => {
      const own = options.params(params);
      const ids = inputs['ids']!;
      return extend(own, model.embed(own, ids.reshape([ids.shape[0]!, 1])), inputs);
    },
    layout: cacheLayout(model.cache),
  };
}
