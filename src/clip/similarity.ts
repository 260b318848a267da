/**
 * How well images and texts fit: CLIP's contrastive logits and loss (Radford et al. 2021, figure 3) and, as an option,
 * FILIP's token-wise late interaction (Yao et al. 2021, section 3.1).
 */
import * as tf from '@tensorflow/tfjs';

/** ln(1 / 0.07): where the learned logit scale starts. */
export const initialLogitScale = Math.log(1 / 0.07);

/** Vectors of the last axis at length 1 (no epsilon, as in CLIP). */
export function normalise(features: tf.Tensor): tf.Tensor {
  return tf.div(features, tf.sqrt(tf.sum(tf.square(features), -1, true)));
}

/** Similarities of every image with every text, both [images, texts]; they differ only for FILIP's score. */
export interface ContrastiveLogits {
  readonly perImage: tf.Tensor;
  readonly perText: tf.Tensor;
}

/**
 * exp(logitScale) * cosine.
 * @param image projected features [B, P]
 * @param text projected features [C, P]
 * @param logitScale scalar
 * @returns [B, C]
 */
export function contrastiveLogits(image: tf.Tensor, text: tf.Tensor, logitScale: tf.Tensor): ContrastiveLogits {
  const cosine = tf.matMul(normalise(image), normalise(text), false, true);
  const logits = tf.mul(cosine, tf.exp(logitScale));
  return { perImage: logits, perText: logits };
}

/**
 * FILIP's score: each token finds its best partner on the other side; the mean over the tokens of an image scores it
 * against a text (`perImage`), the mean over the tokens of a text scores it against an image (`perText`).
 * @param image projected patch features [B, M, P]
 * @param text projected token features [C, L, P]
 * @param textMask [C, L], 1 = a token that counts, 0 = padding; each row needs at least one
 * @param logitScale scalar
 */
export function tokenwiseLogits(
  image: tf.Tensor,
  text: tf.Tensor,
  textMask: tf.Tensor,
  logitScale: tf.Tensor,
): ContrastiveLogits {
  const [images, patches, width] = image.shape as [number, number, number];
  const [texts, tokens] = text.shape as [number, number, number];
  const rows = normalise(image).reshape([images * patches, width]);
  const columns = normalise(text).reshape([texts * tokens, width]);
  const cosine = tf.matMul(rows, columns, false, true).reshape([images, patches, texts, tokens]);
  const scale = tf.exp(logitScale);
  // Cosines lie in [-1, 1], so minus 4 never wins.
  const hidden = tf.mul(tf.sub(1, textMask), -4).reshape([1, 1, texts, tokens]);
  const perImage = tf.mean(tf.max(tf.add(cosine, hidden), 3), 1); // [B, C]
  const bestPatch = tf.max(cosine, 1); // [B, C, L]
  const counted = tf.sum(tf.mul(bestPatch, textMask.reshape([1, texts, tokens])), 2);
  const perText = tf.div(counted, tf.sum(textMask, 1).reshape([1, texts]));
  return { perImage: tf.mul(perImage, scale), perText: tf.mul(perText, scale) };
}

/**
 * Symmetric contrastive loss, a scalar: the mean of the two cross entropies, each image finding its text (rows) and each
 * text its image (columns); the right partner has the same index.
 * @param logits square, [B, B]
 */
export function contrastiveLoss({ perImage, perText }: ContrastiveLogits): tf.Tensor {
  const size = perImage.shape[0]!;
  const diagonal = tf.eye(size);
  const rows = tf.sum(tf.mul(tf.logSoftmax(perImage), diagonal));
  const columns = tf.sum(tf.mul(tf.logSoftmax(tf.transpose(perText)), diagonal));
  return tf.div(tf.add(rows, columns), -2 * size);
}
