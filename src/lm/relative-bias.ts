/**
 * T5's relative positions (Raffel et al. 2020, arXiv 1910.10683, section 2.1): a bias of the scores for each kind of distance between
 * query and key. Small distances are kinds of their own; from half of the kinds on they grow as the logarithm.
 */
import * as tf from '@tensorflow/tfjs';
import { type EmbeddingSpec, embeddingLayer } from '../nn/linear.ts';
import type { Params } from '../nn/params.ts';

export interface RelativeKinds {
  readonly buckets: number;
  /** From this distance on all are of one kind. */
  readonly maxDistance: number;
  /** Whether keys behind the query have kinds too, half of all; else they count as distance 0. */
  readonly bothWays: boolean;
}

/**
 * @param table of each kind and head
 * @param distances key's position minus query's, int32 [B, N, K]
 * @returns [B, heads, N, K]
 */
export function relativeBias(table: Params<EmbeddingSpec>, distances: tf.Tensor, kinds: RelativeKinds): tf.Tensor {
  const { maxDistance: most } = kinds;
  const all = Array.from({ length: 2 * most + 1 }, (_, index) => kindOf(index - most, kinds));
  const byDistance = embeddingLayer(table, tf.tensor1d(all, 'int32')); // [2 most + 1, heads]
  const [least, largest] = [tf.scalar(-most, 'int32'), tf.scalar(most, 'int32')];
  const rows = tf.add(tf.minimum(tf.maximum(distances, least), largest), largest);
  return tf.transpose(tf.gather(byDistance, rows.toInt()), [0, 3, 1, 2]);
}

/** In float32, as the original: at a power of the ratio a rounding decides about the kind. */
export function kindOf(distance: number, { buckets, maxDistance, bothWays }: RelativeKinds): number {
  const kinds = bothWays ? Math.floor(buckets / 2) : buckets;
  const first = bothWays && distance > 0 ? kinds : 0;
  const away = bothWays ? Math.abs(distance) : Math.max(0, -distance);
  const exact = Math.floor(kinds / 2);
  if (away < exact) return first + away;
  const { fround } = Math;
  const ratio = fround(fround(Math.log(fround(away / exact))) / fround(Math.log(maxDistance / exact)));
  return first + Math.min(exact + Math.trunc(fround(ratio * (kinds - exact))), kinds - 1);
}
