/**
 * A language model that knows more tokens than it was trained with: rows of their own for the new ones, beside matrices that
 * stay where they are. Training learns the new rows and nothing else (Zheng et al., arXiv 2310.02239, section 3.2).
 */
import * as tf from '@tensorflow/tfjs';
import type { HostTensor } from '../core/host-tensor.ts';
import type { LanguageModel } from '../lm/index.ts';
import { embeddingLayer, embeddingSpec, projectionLayer, projectionSpec } from '../nn/linear.ts';
import type { Params } from '../nn/params.ts';

/** Rows of `count` new tokens: in the embedding, and in the output layer, which are never the same. */
export function newRowsSpec(count: number, width: number) {
  return { embedding: embeddingSpec(count, width), head: projectionSpec(width, count) };
}

export type NewRowsParams = Params<ReturnType<typeof newRowsSpec>>;

export interface ExtendedParams<P> {
  readonly base: P;
  readonly rows: NewRowsParams;
}

/** `base`, which knows `size` tokens, with new ones behind them. */
export function extendedModel<P>(base: LanguageModel<P>, size: number): LanguageModel<ExtendedParams<P>> {
  const { encoder } = base;
  return {
    cache: base.cache,
    readsInParts: base.readsInParts,
    ...(encoder && {
      encoder: { ...encoder, encode: (params, embeddings) => encoder.encode(params.base, embeddings) },
    }),
    embed: (params, ids) => {
      const isNew = tf.greaterEqual(ids, tf.scalar(size, 'int32'));
      const old = base.embed(params.base, tf.minimum(ids, tf.scalar(size - 1, 'int32')));
      const added = tf.maximum(tf.sub(ids, tf.scalar(size, 'int32')), tf.scalar(0, 'int32'));
      return tf.where(isNew.expandDims(-1), embeddingLayer(params.rows.embedding, added), old);
    },
    extend: (params, inputs) => base.extend(params.base, inputs),
    logits: (params, hidden) => {
      const added = projectionLayer(params.rows.head, hidden);
      return tf.concat([base.logits(params.base, hidden), added], hidden.rank - 1);
    },
  };
}

/**
 * `count` new rows for a matrix with a row for each token, [V, W]: their mean, so that a new token is at first as probable as
 * one in the middle of all.
 */
export function meanRows({ shape, data }: HostTensor, count: number): HostTensor {
  const [rows, width] = shape as [number, number];
  const mean = new Float64Array(width);
  for (const [at, value] of data.entries()) mean[at % width]! += value / rows;
  const all = new Float32Array(count * width);
  for (let row = 0; row < count; row++) all.set(mean, row * width);
  return { dtype: 'float32', shape: [count, width], data: all };
}
