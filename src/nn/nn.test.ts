import * as tf from '@tensorflow/tfjs';
import { describe, expect, test } from 'vitest';
import { freshParams } from '../../test/support/networks.ts';
import { largestDifference, wave } from '../../test/support/tensors.ts';
import { isTensorSource } from '../core/host-tensor.ts';
import { flattenTree } from '../core/tree.ts';
import { selfAttentionLayer, selfAttentionSpec } from './attention.ts';
import { convSpec } from './conv.ts';
import { embeddingLayer } from './linear.ts';
import { countParams, initialise, normal, ones, truncNormal, zeros } from './params.ts';
import { sinusoidalEmbedding } from './time-embedding.ts';

/** A small linear congruential generator: reproducible and good enough for moments. */
function lcg(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

describe('initialise', () => {
  const values = (spec: Parameters<typeof initialise>[0], seed = 1) =>
    Object.values(flattenTree(initialise(spec, lcg(seed)), isTensorSource)).map(tensor => [
      ...(tensor as { data: Float32Array }).data,
    ]);
  const std = (xs: number[]) => Math.sqrt(xs.reduce((sum, x) => sum + x * x, 0) / xs.length);

  test('each kind has its moments and bounds', () => {
    const constant = { shape: [2], init: { kind: 'constant', value: 2.5 } } as const;
    const [a, b, c, d, e, f] = values([
      zeros([3]),
      ones([2]),
      normal([5000], 0.5),
      truncNormal([5000], 2),
      convSpec(4, 9, 3).weight,
      constant,
    ]);
    expect([a, b, f]).toEqual([
      [0, 0, 0],
      [1, 1],
      [2.5, 2.5],
    ]);
    expect(std(c!)).toBeCloseTo(0.5, 1);
    expect(Math.max(...d!.map(Math.abs))).toBeLessThanOrEqual(2);
    expect(Math.max(...e!.map(Math.abs))).toBeLessThanOrEqual(1 / 6);
    expect(std(e!)).toBeCloseTo(1 / 6 / Math.sqrt(3), 2);
  });

  test('the same seed gives the same weights, another seed others', () => {
    const spec = { a: [normal([4], 1)] };
    expect(values(spec)).toEqual(values(spec));
    expect(values(spec)).not.toEqual(values(spec, 2));
  });

  test('names follow the tree; absent parts are left out', () => {
    const spec = { blocks: [selfAttentionSpec(4, { qkvBias: false })] };
    expect(Object.keys(flattenTree(initialise(spec, lcg(1)), isTensorSource))).toEqual([
      'blocks.0.qkv.weight',
      'blocks.0.proj.weight',
      'blocks.0.proj.bias',
    ]);
    expect(countParams(spec)).toBe(4 * 12 + 4 * 4 + 4);
  });
});

describe('sinusoidalEmbedding', () => {
  // Values of the original code, D = 8.
  test('cosines first, periods from 2 pi to 20000 pi', () => {
    const expected = tf.tensor2d([
      [0.987718, -0.81814, -0.930353, 0.557006, -0.156246, -0.575018, -0.366665, 0.830508],
      [0.540302, 0.995004, 0.99995, 0.9999995, 0.841471, 0.099833, 0.0099998, 0.001],
    ]);
    expect(largestDifference(sinusoidalEmbedding(tf.tensor1d([980.02, 1]), 8), expected)).toBeLessThan(1e-5);
  });

  test('t = 0 gives ones then zeros; an odd width ends in a zero', () => {
    expect([...sinusoidalEmbedding(tf.tensor1d([0]), 5).dataSync()]).toEqual([1, 1, 0, 0, 0]);
  });
});

test('embeddingLayer picks rows and sends gradients back to them', () => {
  const weight = wave([3, 2]);
  const ids = tf.tensor1d([2, 0, 2], 'int32');
  const rows = weight.arraySync() as number[][];
  expect(embeddingLayer({ weight }, ids).arraySync()).toEqual([rows[2], rows[0], rows[2]]);
  const gradient = tf.grad(w => embeddingLayer({ weight: w }, ids).sum())(weight);
  expect(gradient.arraySync()).toEqual([
    [1, 1],
    [0, 0],
    [2, 2],
  ]);
});

test('selfAttentionLayer: permuting the tokens permutes the result', () => {
  const params = freshParams(selfAttentionSpec(6), { factor: 20 });
  const x = wave([2, 4, 6]);
  const order = tf.tensor1d([3, 1, 0, 2], 'int32');
  const permuted = selfAttentionLayer(params, tf.gather(x, order, 1), { heads: 2 });
  expect(largestDifference(permuted, tf.gather(selfAttentionLayer(params, x, { heads: 2 }), order, 1))).toBeLessThan(
    1e-5,
  );
});
