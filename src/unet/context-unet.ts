/** The U-Net where all that conditions it is a sequence of vectors. */
import * as tf from '@tensorflow/tfjs';
import type { UnetConfig } from './config.ts';
import { type UnetInputs, type UnetParams, unet } from './unet.ts';

/**
 * {@link unet} of a context [B, L, X] alone: its class features, if it takes features, are the mean of all L vectors, none of
 * which is masked, so that any sequence of vectors can take the place of a text's states. (Of the embedded model's captions, a
 * linear map tells the object of held-out single scenes from the mean in 87 %, from the state of the end token in 77 %.)
 *
 * The mean alone tells which things there are, not which of them is where: a network that is always given it hardly learns to look
 * at the context. `featured` [B] is 0 where it is left out in training, 1 elsewhere.
 */
export function contextUnet(
  params: UnetParams,
  inputs: Omit<UnetInputs, 'class' | 'context'> & { readonly context: tf.Tensor; readonly featured?: tf.Tensor },
  config: UnetConfig,
): tf.Tensor {
  const { featured, ...own } = inputs;
  const mean = config.class && tf.mean(own.context, 1);
  const features = mean && featured ? tf.mul(mean, featured.expandDims(1)) : mean;
  return unet(params, { ...own, class: features }, config);
}
