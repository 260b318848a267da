/**
 * CLIP's text tower: a causal transformer over token ids (Radford et al., arXiv 2103.00020, section 2.4;
 * docs/reference/clip-and-gpt2.md).
 */
import * as tf from '@tensorflow/tfjs';
import { DuetError } from '../core/errors.ts';
import type { HostTensor } from '../core/host-tensor.ts';
import { keyMask } from '../nn/attention-mask.ts';
import { embeddingLayer, embeddingSpec, linearLayer, linearSpec } from '../nn/linear.ts';
import { layerNormLayer, normSpec } from '../nn/norm.ts';
import type { Params } from '../nn/params.ts';
import { transformerBlock, transformerBlockSpec } from '../nn/transformer-block.ts';
import type { ClipTextConfig } from './config.ts';

/** Initial standard deviations as in OpenAI's code: attention W^-1/2, fc1 (2W)^-1/2, residual writers W^-1/2 (2 layers)^-1/2. */
export function towerStd(width: number, layers: number) {
  return { attention: width ** -0.5, fc1: (2 * width) ** -0.5, residual: width ** -0.5 * (2 * layers) ** -0.5 };
}

export function clipTextSpec(config: ClipTextConfig) {
  const { width, layers, vocabularySize, positions, projection } = config;
  const std = towerStd(width, layers);
  return {
    tokenEmbedding: embeddingSpec(vocabularySize, width),
    positionEmbedding: embeddingSpec(positions, width, 0.01),
    layers: Array.from({ length: layers }, () => transformerBlockSpec(config, std)),
    finalNorm: normSpec(width),
    ...(projection !== undefined && {
      projection: linearSpec(width, projection, { bias: false, std: width ** -0.5 }),
    }),
  };
}

export type ClipTextParams = Params<ReturnType<typeof clipTextSpec>>;

export interface ClipTextInputs {
  /** int32 [B, L], L at most the number of positions. */
  readonly ids: tf.Tensor;
  /** [B, L], 1 = visible key. Without it all keys are visible, padding too, as in UniDiffuser and Stable Diffusion. */
  readonly mask?: tf.Tensor | undefined;
}

/**
 * The final-normed states of all positions, [B, L, W].
 * @throws DuetError `invalid-argument` if the sequence is longer than the position table
 */
export function clipText(params: ClipTextParams, { ids, mask }: ClipTextInputs, config: ClipTextConfig): tf.Tensor {
  const length = ids.shape[1]!;
  if (length > config.positions) {
    throw new DuetError('invalid-argument', `The text tower has ${config.positions} positions, got ${length} tokens`);
  }
  const positions = tf.slice(params.positionEmbedding.weight, [0, 0], [length, config.width]);
  const additive = mask && keyMask(mask);
  let x = tf.add(embeddingLayer(params.tokenEmbedding, ids), positions);
  for (const layer of params.layers) x = transformerBlock(layer, x, config, { causal: true, mask: additive });
  return layerNormLayer(params.finalNorm, x, config.epsilon);
}

/** The state at each row's end-of-text position: states [B, L, W], positions int32 [B] (see {@link endPositions}) -> [B, W]. */
export function poolAtEnd(states: tf.Tensor, positions: tf.Tensor): tf.Tensor {
  const [batch, length, width] = states.shape as [number, number, number];
  const chosen = tf.oneHot(positions as tf.Tensor1D, length, 1, 0, 'float32').reshape([batch, 1, length]);
  return tf.matMul(chosen, states).reshape([batch, width]);
}

/** Projected features without bias, [..., W] -> [..., P]; the input itself if the tower has no projection. */
export function projectText(params: ClipTextParams, pooled: tf.Tensor): tf.Tensor {
  return params.projection ? linearLayer(params.projection, pooled) : pooled;
}

/** How the end of a text is found: the first `endId`, or the first of the largest ids (old configs). */
export type EndOfTextRule = { readonly endId: number } | 'largest-id';

/**
 * The end-of-text position of each row, found on the host: a network never reads values.
 * @param ids int32 [B, L]
 * @returns int32 [B]; position 0 for a row without `endId`
 */
export function endPositions(ids: HostTensor, rule: EndOfTextRule): HostTensor {
  const [rows, length] = ids.shape as [number, number];
  const all = Int32Array.from(ids.data);
  const data = Int32Array.from({ length: rows }, (_, row) => {
    const tokens = all.subarray(row * length, (row + 1) * length);
    const target = rule === 'largest-id' ? tokens.reduce((largest, id) => Math.max(largest, id), 0) : rule.endId;
    return Math.max(0, tokens.indexOf(target));
  });
  return { dtype: 'int32', shape: [rows], data };
}
