/**
 * Class features that differ from place to place: of a context of several things the left half of a picture is told one, the right
 * half the other. Each cell of a coarse grid asks the context for what belongs there; residual blocks are then conditioned pixel by
 * pixel (as spatially adaptive normalisation is, Park et al., arXiv 1903.07291, here by attention instead of a given map).
 */
import * as tf from '@tensorflow/tfjs';
import { type LinearSpec, linearLayer, linearSpec } from '../nn/linear.ts';
import { type ParamSpec, type Params, truncNormal } from '../nn/params.ts';
import { gridResizing } from '../nn/resize-grid.ts';
import { silu } from '../ops/index.ts';

const POSITION_STD = 0.02;

export type PlacedFeaturesSpec = {
  /** [side side, width] */
  readonly positions: ParamSpec;
  /** Of the whole context: what is asked for at a place depends on what is said about places. */
  readonly summary: LinearSpec;
  readonly query: LinearSpec;
  readonly key: LinearSpec;
};

export function placedFeaturesSpec(width: number, side: number): PlacedFeaturesSpec {
  return {
    positions: truncNormal([side * side, width], POSITION_STD),
    summary: linearSpec(width, width),
    query: linearSpec(width, width),
    key: linearSpec(width, width),
  };
}

/**
 * Features [B, side side, W] of a context [B, L, W]: half its mean, which tells all, half what the place finds in it. A network that
 * has learned nothing about places finds the mean everywhere.
 */
export function placedFeatures(params: Params<PlacedFeaturesSpec>, context: tf.Tensor): tf.Tensor {
  const width = context.shape[2]!;
  const mean = tf.mean(context, 1, true); // [B, 1, W]
  const asked = silu(tf.add(linearLayer(params.summary, mean), params.positions.expandDims(0))); // [B, P, W]
  const queries = tf.mul(linearLayer(params.query, asked), 1 / Math.sqrt(width));
  const weights = tf.softmax(tf.matMul(queries, linearLayer(params.key, context), false, true)); // [B, P, L]
  return tf.mul(tf.add(tf.matMul(weights, context), mean), 0.5);
}

/** Values [B, side side, C] of places for each pixel of a picture: [B, C, H, W]. */
export function spreadOver(values: tf.Tensor, height: number, width: number): tf.Tensor {
  const [batch, places, channels] = values.shape as [number, number, number];
  const resizing = gridResizing(Math.sqrt(places), { rows: height, columns: width });
  return tf
    .matMul(values.transpose([0, 2, 1]).reshape([batch * channels, places]), resizing, false, true)
    .reshape([batch, channels, height, width]);
}
