/** Keys and values of a sequence's earlier positions, which a decoder-only language model attends to at each new one. */
import * as tf from '@tensorflow/tfjs';
import type { KeyValue } from '../nn/attention.ts';

/** Of each layer, [B, P, W] for P positions. */
export type KeyValueCache = readonly KeyValue[];

export interface KeyValueCacheSize {
  readonly layers: number;
  /** Values of one position's key, and of its value: heads for keys times their width. */
  readonly width: number;
}

/** One position of a cache, by the names that {@link nameCache} gives. */
export function cacheLayout({ layers, width }: KeyValueCacheSize) {
  const position = { dtype: 'float32', shape: [width] } as const;
  const names = Array.from({ length: layers }, (_, layer) => [`key.${layer}`, `value.${layer}`]).flat();
  return Object.fromEntries(names.map(name => [name, position]));
}

/** A cache as named tensors, for a program's inputs and outputs. */
export function nameCache(cache: KeyValueCache): Record<string, tf.Tensor> {
  return Object.fromEntries(
    cache.flatMap(({ key, value }, layer) => [
      [`key.${layer}`, key],
      [`value.${layer}`, value],
    ]),
  );
}

/** The inverse of {@link nameCache}: picks the cache of `layers` layers out of named tensors. */
export function cacheFromNames(tensors: Readonly<Record<string, tf.Tensor>>, layers: number): KeyValueCache {
  return Array.from({ length: layers }, (_, layer) => ({
    key: tensors[`key.${layer}`]!,
    value: tensors[`value.${layer}`]!,
  }));
}

/** `past` with `current` behind it, [B, P + N, W]. */
export function concatKeyValue(past: KeyValue, current: KeyValue): KeyValue {
  return { key: tf.concat([past.key, current.key], 1), value: tf.concat([past.value, current.value], 1) };
}
