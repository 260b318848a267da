/**
 * GPT-2 one token at a time. The cache has a fixed length, so a step has one shape and is recorded once: the new key
 * and value are written at the row's position by a one-hot mask, positions after it are hidden.
 */
import * as tf from '@tensorflow/tfjs';
import { layerNormLayer } from '../nn/norm.ts';
import { type KeyValue, keyMask, preNormBlock } from '../nn/pre-norm-block.ts';
import { addPositions, embedTokens, type Gpt2Config, type Gpt2Inputs, type Gpt2Params, gpt2Logits } from './gpt2.ts';

/** Keys and values of each layer, [B, C, W] for a cache of C positions. */
export type Gpt2Cache = readonly KeyValue[];

export interface CachedLogits {
  /** Of the next token, [B, V]. */
  readonly logits: tf.Tensor;
  readonly cache: Gpt2Cache;
}

/**
 * Reads a prefix of L positions into a cache of `length` positions (the rest is zero).
 * @returns the logits after the last position
 */
export function gpt2Prefill(params: Gpt2Params, inputs: Gpt2Inputs, config: Gpt2Config, length: number): CachedLogits {
  const [batch, prefix, width] = inputs.embeddings.shape as [number, number, number];
  const mask = inputs.mask && keyMask(inputs.mask);
  const room: [number, number][] = [
    [0, 0],
    [0, length - prefix],
    [0, 0],
  ];
  const cache: KeyValue[] = [];
  const remember = (current: KeyValue): KeyValue => {
    cache.push({ key: tf.pad(current.key, room), value: tf.pad(current.value, room) });
    return current;
  };
  let x = addPositions(params, inputs.embeddings, inputs.positions);
  for (const layer of params.layers) x = preNormBlock(layer, x, config, { causal: true, mask, remember });
  const last = tf.slice(x, [0, prefix - 1, 0], [batch, 1, width]).reshape([batch, width]);
  return { logits: gpt2Logits(params, layerNormLayer(params.finalNorm, last, config.epsilon)), cache };
}

export interface Gpt2StepInputs {
  /** The newest token of each row, int32 [B]. */
  readonly ids: tf.Tensor;
  /** Its position, int32 [B]: rows may be at different lengths. */
  readonly positions: tf.Tensor;
  readonly cache: Gpt2Cache;
  /** Cached keys that may be seen, [B, C]; what follows `positions` is hidden anyway. @default all */
  readonly visible?: tf.Tensor | undefined;
}

export interface StepLogits extends CachedLogits {
  /** What the step wrote at each row's position, [B, 1, W]. */
  readonly added: Gpt2Cache;
}

/** Adds one token per row to the cache. */
export function gpt2Step(params: Gpt2Params, inputs: Gpt2StepInputs, config: Gpt2Config): StepLogits {
  const { ids, positions, visible } = inputs;
  const [batch, length] = inputs.cache[0]!.key.shape as [number, number, number];
  const column = positions.reshape([batch, 1]);
  const slots = tf.range(0, length, 1, 'int32').reshape([1, length]);
  const here = tf.cast(tf.equal(slots, column), 'float32').reshape([batch, length, 1]);
  const elsewhere = tf.sub(1, here);
  const reached = tf.cast(tf.lessEqual(slots, column), 'float32');
  const mask = keyMask(visible ? tf.mul(reached, visible) : reached);
  const write = (old: tf.Tensor, added: tf.Tensor) => tf.add(tf.mul(old, elsewhere), tf.mul(added, here));

  const cache: KeyValue[] = [];
  const added: KeyValue[] = [];
  let x = addPositions(params, embedTokens(params, ids.reshape([batch, 1])), column);
  params.layers.forEach((layer, index) => {
    const remember = (current: KeyValue): KeyValue => {
      const old = inputs.cache[index]!;
      const updated = { key: write(old.key, current.key), value: write(old.value, current.value) };
      cache.push(updated);
      added.push(current);
      return updated;
    };
    x = preNormBlock(layer, x, config, { mask, remember });
  });
  const hidden = layerNormLayer(params.finalNorm, x.reshape([batch, config.width]), config.epsilon);
  return { logits: gpt2Logits(params, hidden), cache, added };
}

/** The cache as named tensors, for a program's inputs and outputs. */
export function nameCache(cache: Gpt2Cache): Record<string, tf.Tensor> {
  return Object.fromEntries(
    cache.flatMap(({ key, value }, layer) => [
      [`key.${layer}`, key],
      [`value.${layer}`, value],
    ]),
  );
}

/** The inverse of {@link nameCache}: picks the cache of `layers` layers out of named tensors. */
export function cacheFromNames(tensors: Readonly<Record<string, tf.Tensor>>, layers: number): Gpt2Cache {
  return Array.from({ length: layers }, (_, layer) => ({
    key: tensors[`key.${layer}`]!,
    value: tensors[`value.${layer}`]!,
  }));
}
