/**
 * The feature mapper: the language model's states at the vokens become the context that a text-to-image U-Net looks at, where
 * it expects those of its text encoder (Zheng et al., arXiv 2310.02239, section 3.2). A perceptron brings the states to the
 * mapper's width; an encoder lets them look at each other, without positions; a decoder lets learned queries read them.
 * Layers have their norms first, and nothing is masked.
 */
import * as tf from '@tensorflow/tfjs';
import { attentionSpec } from '../nn/attention.ts';
import { linearSpec } from '../nn/linear.ts';
import { type MlpSpec, mlpLayer } from '../nn/mlp.ts';
import { layerNormLayer, normSpec } from '../nn/norm.ts';
import { normal, type Params } from '../nn/params.ts';
import {
  attentionPart,
  feedForwardPart,
  type TransformerBlockConfig,
  transformerBlock,
  transformerBlockSpec,
} from '../nn/transformer-block.ts';
import type { VokenMapperConfig } from './config.ts';

/** Hidden width of the layers' perceptrons, as a multiple of the width. */
const MLP_RATIO = 4;
const EPSILON = 1e-5;

function blockOf({ width, heads }: VokenMapperConfig): TransformerBlockConfig {
  return { width, heads, mlpWidth: MLP_RATIO * width, activation: 'relu', epsilon: EPSILON };
}

export function vokenMapperSpec(config: VokenMapperConfig) {
  const { inputWidth, width, encoderLayers, decoderLayers, queries } = config;
  const block = transformerBlockSpec(blockOf(config));
  const projection: MlpSpec = { fc1: linearSpec(inputWidth, width), fc2: linearSpec(width, width) };
  return {
    projection,
    queries: normal([queries, width], 1),
    encoder: { layers: Array.from({ length: encoderLayers }, () => block), norm: normSpec(width) },
    decoder: {
      /** The queries look at each other, then at the vokens. */
      layers: Array.from({ length: decoderLayers }, () => ({
        ...block,
        cross: { norm: normSpec(width), attention: attentionSpec(width) },
      })),
      norm: normSpec(width),
    },
  };
}

export type VokenMapperParams = Params<ReturnType<typeof vokenMapperSpec>>;

/** What the mapper makes on its way, and its result. */
export interface VokenMapping {
  /** [B, V, W], after the perceptron. */
  readonly projected: tf.Tensor;
  /** [B, V, W], after the encoder. */
  readonly encoded: tf.Tensor;
  /** [B, Q, W], the context of the U-Net. */
  readonly context: tf.Tensor;
}

/**
 * States of the language model at V vokens [B, V, S], each the one that predicts its voken. All zeros give the context of
 * guidance without a condition (section 3.3).
 */
export function vokenMapper(
  { projection, queries, encoder, decoder }: VokenMapperParams,
  states: tf.Tensor,
  config: VokenMapperConfig,
): VokenMapping {
  const block = blockOf(config);
  const projected = mlpLayer(projection, states, 'erf');
  let x = projected;
  for (const layer of encoder.layers) x = transformerBlock(layer, x, block);
  const encoded = layerNormLayer(encoder.norm, x, EPSILON);
  let read = tf.tile(queries.reshape([1, config.queries, config.width]), [states.shape[0]!, 1, 1]);
  for (const { norm1, attention, cross, norm2, mlp } of decoder.layers) {
    read = attentionPart({ norm: norm1, attention }, read, block);
    read = attentionPart(cross, read, block, { source: encoded });
    read = feedForwardPart({ norm: norm2, mlp }, read, block);
  }
  return { projected, encoded, context: layerNormLayer(decoder.norm, read, EPSILON) };
}
