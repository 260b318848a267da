/** Connectors: from the states of an image to vectors that stand among a language model's token embeddings. */
import type * as tf from '@tensorflow/tfjs';
import { DuetError } from '../core/errors.ts';
import { activate } from '../nn/activation.ts';
import { linearLayer, linearSpec } from '../nn/linear.ts';
import { layerNormLayer, normSpec } from '../nn/norm.ts';
import type { Params } from '../nn/params.ts';
import type { ConnectorConfig } from './config.ts';
import { type Instruction, qFormer, qFormerSpec } from './q-former.ts';

/** @param sourceWidth of the image's states */
export function connectorSpec({ normEpsilon, qFormer, projection }: ConnectorConfig, sourceWidth: number) {
  const { width, bias, activation } = projection;
  return {
    ...(normEpsilon !== undefined && { norm: normSpec(sourceWidth) }),
    ...(qFormer && { qFormer: qFormerSpec(qFormer, sourceWidth) }),
    projection: {
      fc1: linearSpec(qFormer?.width ?? sourceWidth, width, { bias }),
      ...(activation && { fc2: linearSpec(width, width, { bias }) }),
    },
  };
}

export type ConnectorParams = Params<ReturnType<typeof connectorSpec>>;

export interface ConnectorStates {
  /** What the connector reads, [B, M, S], normalised if it has a norm. */
  readonly features: tf.Tensor;
  /** States of the queries, [B, Q, D]. */
  readonly queries?: tf.Tensor;
  /** [B, Q, W], or [B, M, W] without queries. */
  readonly vectors: tf.Tensor;
}

/**
 * The vectors of images and what comes before them.
 * @param states of the images, [B, M, S]
 * @param instruction as of {@link qFormer}; refused where there is none
 */
export function connectorStates(
  params: ConnectorParams,
  states: tf.Tensor,
  config: ConnectorConfig,
  instruction?: Instruction,
): ConnectorStates {
  if (instruction && !params.qFormer) {
    throw new DuetError('invalid-argument', 'This front end has no Q-Former: it reads no instruction');
  }
  const features = params.norm ? layerNormLayer(params.norm, states, config.normEpsilon) : states;
  if (!params.qFormer || !config.qFormer) return { features, vectors: project(params, features, config) };
  const queries = qFormer(params.qFormer, features, config.qFormer, instruction);
  return { features, queries, vectors: project(params, queries, config) };
}

function project({ projection }: ConnectorParams, x: tf.Tensor, config: ConnectorConfig): tf.Tensor {
  const { fc1, fc2 } = projection;
  const { activation } = config.projection;
  const first = linearLayer(fc1, x);
  return fc2 && activation ? linearLayer(fc2, activate(first, activation)) : first;
}
