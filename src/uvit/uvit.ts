/**
 * The plain U-ViT (Bao et al. 2023, "All are Worth Words: A ViT Backbone for Diffusion Models"): predicts the noise of an
 * image, without a condition, with a class label, or with a text context. Pre-norm blocks.
 */
import * as tf from '@tensorflow/tfjs';
import { DuetError } from '../core/errors.ts';
import { convLayer, convSpec } from '../nn/conv.ts';
import { embeddingLayer, embeddingSpec, linearLayer, linearSpec } from '../nn/linear.ts';
import { layerNormLayer, normSpec } from '../nn/norm.ts';
import { type Params, truncNormal } from '../nn/params.ts';
import { timeEmbeddingLayer, timeMlpSpec } from '../nn/time-embedding.ts';
import { gridSize, type UvitConfig } from './config.ts';
import { patchify, unpatchify } from './patches.ts';
import { blocksLayer, blocksSpec } from './transformer-blocks.ts';

const POSITION_STD = 0.02;

/** Tokens in front of the patches: label or context, and the timestep. */
function extraTokens({ classes, context }: UvitConfig): number {
  return 1 + (classes === undefined ? 0 : 1) + (context?.tokens ?? 0);
}

/** The parameters of the network of `config`. */
export function uvitSpec(config: UvitConfig) {
  const { width, patchSize, latentChannels, classes, context } = config;
  const patchDim = patchSize * patchSize * latentChannels;
  return {
    patchEmbed: linearSpec(patchDim, width),
    ...(classes === undefined ? {} : { labelEmbed: embeddingSpec(classes, width) }),
    ...(context ? { contextEmbed: linearSpec(context.dim, width) } : {}),
    /** Of [label, time, patches] or [time, context, patches]. */
    positions: truncNormal([extraTokens(config) + gridSize(config) ** 2, width], POSITION_STD),
    ...(config.timeMlp ? { timeMlp: timeMlpSpec(width) } : {}),
    ...blocksSpec(config, 'pre', config.skip ?? true),
    norm: normSpec(width),
    patchOut: linearSpec(width, patchDim),
    ...(config.finalConv ? { finalConv: convSpec(latentChannels, latentChannels, 3) } : {}),
  };
}

export type UvitParams = Params<ReturnType<typeof uvitSpec>>;

export interface UvitInputs {
  /** [B, C, H, W], of the configured size */
  readonly image: tf.Tensor;
  /** [B], on the scale the network was trained with (0 to 1000) */
  readonly time: tf.Tensor;
  /** int32 [B]; needed with classes */
  readonly label?: tf.Tensor | undefined;
  /** [B, tokens, dim]; needed with a context */
  readonly context?: tf.Tensor | undefined;
}

/**
 * Predicts the noise of `inputs.image`: [B, C, H, W].
 * @throws DuetError `invalid-argument` when a condition is missing or the image has another size
 */
export function uvit(params: UvitParams, inputs: UvitInputs, config: UvitConfig): tf.Tensor {
  const { width, heads, patchSize, latentChannels, latentSize } = config;
  const batch = inputs.image.shape[0]!;
  const expected = [batch, latentChannels, latentSize, latentSize];
  if (`${inputs.image.shape}` !== `${expected}`) {
    throw new DuetError('invalid-argument', `uvit: image must be [${expected}], got [${inputs.image.shape}]`);
  }
  const { patches, grid } = patchify(inputs.image, patchSize);
  const required = (name: 'label' | 'context'): tf.Tensor => {
    const tensor = inputs[name];
    if (!tensor) throw new DuetError('invalid-argument', `uvit: this network needs the input "${name}"`);
    return tensor;
  };
  const tokens = tf.concat(
    [
      ...(params.labelEmbed ? [embeddingLayer(params.labelEmbed, required('label')).reshape([batch, 1, width])] : []),
      timeEmbeddingLayer(params.timeMlp, inputs.time, width).reshape([batch, 1, width]),
      ...(params.contextEmbed ? [linearLayer(params.contextEmbed, required('context'))] : []),
      linearLayer(params.patchEmbed, patches),
    ],
    1,
  ); // [B, L, D]
  const positioned = tf.add(tokens, params.positions.expandDims(0));
  const x = layerNormLayer(params.norm, blocksLayer(params, positioned, heads, 'pre'));
  const patchCount = grid.rows * grid.columns;
  const predicted = x.slice([0, extraTokens(config), 0], [batch, patchCount, width]);
  const image = unpatchify(linearLayer(params.patchOut, predicted), grid, patchSize);
  return params.finalConv ? convLayer(params.finalConv, image, { pad: 1 }) : image;
}
