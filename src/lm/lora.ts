/**
 * Low-rank adaptation (Hu et al., arXiv 2106.09685, section 4.1): W + (alpha / r) B A in place of W, for the queries and values
 * of every layer. B begins as zeros, so that an adapted model is at first the model itself.
 */
import * as tf from '@tensorflow/tfjs';
import type { linearSpec } from '../nn/linear.ts';
import { normal, type Params, zeros } from '../nn/params.ts';
import type { LanguageModel } from './language-model.ts';
import type { LlamaConfig, LlamaParams } from './llama.ts';

function pairSpec(inputs: number, outputs: number, rank: number) {
  // As peft begins: A so spread that its product keeps the size of what it reads.
  return { a: normal([rank, inputs], 1 / Math.sqrt(3 * inputs)), b: zeros([outputs, rank]) };
}

/** A and B of each adapted matrix. */
export function loraSpec({ layers, width, heads, keyValueHeads, headWidth }: LlamaConfig, rank: number) {
  return {
    layers: Array.from({ length: layers }, () => ({
      query: pairSpec(width, heads * headWidth, rank),
      value: pairSpec(width, keyValueHeads * headWidth, rank),
    })),
  };
}

export type LoraParams = Params<ReturnType<typeof loraSpec>>;

/** The parameters with every pair's product added, times `scale` = alpha / r. */
export function withLora(params: LlamaParams, { layers }: LoraParams, scale: number): LlamaParams {
  const adapted = (matrix: Params<ReturnType<typeof linearSpec>>, { a, b }: LoraParams['layers'][number]['query']) => ({
    ...matrix,
    weight: tf.add(matrix.weight, tf.mul(tf.matMul(b, a), scale)),
  });
  return {
    ...params,
    layers: params.layers.map((layer, index) => {
      const { query, value } = layers[index]!;
      const { attention } = layer;
      return {
        ...layer,
        attention: { ...attention, query: adapted(attention.query, query), value: adapted(attention.value, value) },
      };
    }),
  };
}

export interface AdaptedParams {
  readonly base: LlamaParams;
  readonly lora: LoraParams;
}

/** An adapted Llama for decoding. */
export function loraModel(base: LanguageModel<LlamaParams>, scale: number): LanguageModel<AdaptedParams> {
  return {
    cache: base.cache,
    readsInParts: base.readsInParts,
    embed: (params, ids) => base.embed(params.base, ids),
    extend: (params, inputs) => base.extend(withLora(params.base, params.lora, scale), inputs),
    logits: (params, hidden) => base.logits(params.base, hidden),
  };
}
