/**
 * Visual front ends of language models: MiniGPT-4's and BLIP-2's (EVA ViT-g, Q-Former, linear layer), InstructBLIP's (its
 * Q-Former reads the instruction) and LLaVA's (CLIP, linear layer or perceptron). Each is a configuration of the same parts
 * (docs/reference/visual-front-ends.md).
 */
import * as tf from '@tensorflow/tfjs';
import { DuetError } from '../core/errors.ts';
import type { Params } from '../nn/params.ts';
import {
  type VisionTransformerParams,
  visionTransformerSpec,
  visionTransformerStates,
} from '../nn/vision-transformer.ts';
import type { TowerConfig, VisualFrontEndConfig } from './config.ts';
import { type ConnectorStates, connectorSpec, connectorStates } from './connector.ts';
import type { Instruction } from './q-former.ts';

/**
 * The parameters of the front end of `config`.
 * @throws DuetError `invalid-config` if it takes features from layers that the tower does not have
 */
export function visualFrontEndSpec({ tower, connector }: VisualFrontEndConfig) {
  const { featureLayers, layers, width } = tower;
  const wrong = featureLayers.find(layer => layer > layers);
  if (wrong !== undefined) {
    throw new DuetError('invalid-config', `featureLayers are from 0 to the tower's ${layers} layers, got ${wrong}`);
  }
  return { tower: visionTransformerSpec(tower), connector: connectorSpec(connector, width * featureLayers.length) };
}

export type VisualFrontEndParams = Params<ReturnType<typeof visualFrontEndSpec>>;

export interface VisualInputs {
  /** Normalised pictures, [B, C, H, W]. */
  readonly pixels: tf.Tensor;
  /** Needed where the Q-Former reads one. */
  readonly instruction?: Instruction | undefined;
}

/** Vectors of pictures for a language model of width W: [B, N, W]. Throws as {@link visualStates} does. */
export function visualFrontEnd(
  params: VisualFrontEndParams,
  inputs: VisualInputs,
  config: VisualFrontEndConfig,
): tf.Tensor {
  return visualStates(params, inputs, config).vectors;
}

/**
 * The vectors, and the states on the way; `tower` is what is taken from it, [B, M, S].
 * @throws DuetError `invalid-argument` for pixels of a wrong shape, and for an instruction that is missing or not wanted
 */
export function visualStates(
  params: VisualFrontEndParams,
  { pixels, instruction }: VisualInputs,
  config: VisualFrontEndConfig,
): ConnectorStates & { readonly tower: tf.Tensor } {
  const tower = towerFeatures(params.tower, pixels, config.tower);
  return { tower, ...connectorStates(params.connector, tower, config.connector, instruction) };
}

function towerFeatures(params: VisionTransformerParams, pixels: tf.Tensor, config: TowerConfig): tf.Tensor {
  const states = visionTransformerStates(params, pixels, config);
  const chosen = config.featureLayers.map(layer => states[layer]!);
  const features = chosen.length === 1 ? chosen[0]! : tf.concat(chosen, 2);
  if (config.classToken) return features;
  const [batch, tokens, width] = features.shape as [number, number, number];
  return tf.slice(features, [0, 1, 0], [batch, tokens - 1, width]);
}
