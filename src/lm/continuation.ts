/** What decoders have in common that add positions to sequences whose keys and values are kept. */
import * as tf from '@tensorflow/tfjs';
import type { KeyValue } from '../nn/attention.ts';
import { extensionMask } from './attention-mask.ts';
import { concatKeyValue } from './key-value-cache.ts';
import type { ExtendInputs } from './language-model.ts';

export interface Continuation {
  /** Of the new positions, int32 [B, N]. */
  readonly positions: tf.Tensor;
  /** Added to the scores, [B, 1, N, P + N]. */
  readonly mask: tf.Tensor;
  /** Takes the keys and values of the new positions in a layer; returns those to attend to, [B, P + N, ...] each. */
  readonly remember: (current: KeyValue, layer: number) => KeyValue;
  /** What was taken, in the order of the layers. */
  readonly added: readonly KeyValue[];
}

export function continuation({ embeddings, past, pastLengths }: ExtendInputs): Continuation {
  const [batch, length] = embeddings.shape as [number, number];
  const places = tf.range(0, length, 1, 'int32').reshape([1, length]);
  const added: KeyValue[] = [];
  return {
    positions: tf.add(pastLengths.reshape([batch, 1]), places),
    mask: extensionMask(pastLengths, past[0]!.key.shape[1]!, length),
    remember: (current, layer) => {
      added.push(current);
      return concatKeyValue(past[layer]!, current);
    },
    added,
  };
}
