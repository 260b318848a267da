/** Which positions of a sequence see which: additive masks of causal attention, made once for all layers. */
import * as tf from '@tensorflow/tfjs';
import { additiveMask } from '../nn/attention-mask.ts';

export interface Visibility {
  /** [B, L], 1 = visible key. @default all */
  readonly visible?: tf.Tensor | undefined;
  /** int32 [B, L]: positions see those of their own segment alone. @default all are one */
  readonly segments?: tf.Tensor | undefined;
}

/** Of a sequence as a whole: [B or 1, 1, L, L]. */
export function causalMask(length: number, { visible, segments }: Visibility = {}): tf.Tensor {
  let seen = noLaterThan(length).reshape([1, 1, length, length]);
  if (visible) seen = tf.logicalAnd(seen, visible.toBool().reshape([visible.shape[0]!, 1, 1, length]));
  if (segments) {
    const [batch] = segments.shape as [number];
    const same = tf.equal(segments.reshape([batch, 1, length, 1]), segments.reshape([batch, 1, 1, length]));
    seen = tf.logicalAnd(seen, same);
  }
  return additiveMask(seen);
}

/**
 * Of N new positions behind P cached ones, of which row b has pastLengths[b]: [B, 1, N, P + N].
 * @param pastLengths int32 [B]
 */
export function extensionMask(pastLengths: tf.Tensor, past: number, added: number): tf.Tensor {
  const [batch] = pastLengths.shape as [number];
  const isCached = tf.less(tf.range(0, past, 1, 'int32').reshape([1, past]), pastLengths.reshape([batch, 1]));
  const cached = additiveMask(isCached).reshape([batch, 1, 1, past]);
  const own = additiveMask(noLaterThan(added)).reshape([1, 1, added, added]);
  return tf.concat([tf.tile(cached, [1, 1, added, 1]), tf.tile(own, [batch, 1, 1, 1])], 3);
}

/** Whether key j is no later than query i, [i, j]. */
function noLaterThan(length: number): tf.Tensor {
  const places = tf.range(0, length, 1, 'int32');
  return tf.lessEqual(places.reshape([1, length]), places.reshape([length, 1]));
}
