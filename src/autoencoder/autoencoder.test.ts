import * as tf from '@tensorflow/tfjs';
import { describe, expect, test } from 'vitest';
import { freshParams } from '../../test/support/networks.ts';
import { stableDiffusionAutoencoder } from '../../test/support/stable-diffusion.ts';
import { largestDifference, wave } from '../../test/support/tensors.ts';
import { countParams } from '../nn/params.ts';
import {
  type AutoencoderConfig,
  autoencoderSpec,
  decode,
  downsamplingFactor,
  encodeMoments,
  sampleLatent,
} from './index.ts';
import { depthToSpace, spaceToDepth } from './space-to-depth.ts';

const tiny: AutoencoderConfig = {
  inChannels: 3,
  latentChannels: 2,
  channels: 4,
  channelMultipliers: [1, 2],
  blocksPerLevel: 1,
  normGroups: 2,
};

const paramsOf = (config: AutoencoderConfig) => freshParams(autoencoderSpec(config));

describe('the autoencoder', () => {
  // The number of the original (docs/reference/unidiffuser.md, "Sizes").
  test("has as many parameters as Stable Diffusion's", () => {
    expect(countParams(autoencoderSpec(stableDiffusionAutoencoder))).toBe(83_653_863);
  });

  test.each([
    ['two levels', tiny, 2],
    ['without attention', { ...tiny, midAttention: false }, 2],
    ['folded pixels', { ...tiny, patchSize: 2 }, 4],
    ['one level, folded', { ...tiny, channelMultipliers: [1.5], patchSize: 4 }, 4],
  ] as const)('%s: latents shrink by the factor, images come back in their size', (_, config, factor) => {
    const params = paramsOf(config as AutoencoderConfig);
    const pixels = wave([2, 3, 8, 16]);
    const { mean, logVariance } = encodeMoments(params, pixels, config as AutoencoderConfig);
    expect(downsamplingFactor(config as AutoencoderConfig)).toBe(factor);
    expect(mean.shape).toEqual([2, 2, 8 / factor, 16 / factor]);
    expect(logVariance.shape).toEqual(mean.shape);
    expect(decode(params, mean, config as AutoencoderConfig).shape).toEqual(pixels.shape);
  });

  test('sizes and channels that do not fit are refused', () => {
    const config = { ...tiny, patchSize: 2 };
    const params = paramsOf(config);
    expect(() => encodeMoments(params, wave([1, 4, 8, 8]), config)).toThrow(/\[B, 3, H, W\]/);
    expect(() => encodeMoments(params, wave([1, 3, 8, 9]), config)).toThrow(/multiples of 2/);
    expect(() => encodeMoments(params, wave([1, 3, 2, 8]), config)).toThrow(/at least 4/);
    expect(() => decode(params, wave([1, 3, 2, 2]), config)).toThrow(/\[B, 2, h, w\]/);
  });
});

test('folding pixels: a block becomes the channels of one place, colours apart, and back', () => {
  const x = wave([2, 3, 4, 6]);
  const folded = spaceToDepth(x, 2);
  expect(folded.shape).toEqual([2, 12, 2, 3]);
  const block = x.slice([1, 2, 2, 4], [1, 1, 2, 2]).reshape([4]);
  expect(largestDifference(folded.slice([1, 8, 1, 2], [1, 4, 1, 1]).reshape([4]), block)).toBe(0);
  expect(largestDifference(depthToSpace(folded, 2), x)).toBe(0);
});

describe('sampleLatent', () => {
  test('is mean + std noise, with log-variances cut to [-30, 20]', () => {
    const logVariance = tf.tensor([0, Math.log(4), -100, 100], [1, 4, 1, 1]);
    const mean = tf.fill([1, 4, 1, 1], 3);
    const sample = sampleLatent({ mean, logVariance }, tf.ones([1, 4, 1, 1]));
    const expected = tf.tensor([4, 5, 3 + Math.exp(-15), 3 + Math.exp(10)], [1, 4, 1, 1]);
    expect(largestDifference(sample.div(expected), tf.onesLike(expected))).toBeLessThan(1e-5);
  });

  test('carries gradients to both moments', () => {
    const shape = [1, 1, 2, 2];
    const f = (mean: tf.Tensor, logVariance: tf.Tensor) =>
      sampleLatent({ mean, logVariance }, tf.ones(shape)).sum().asScalar();
    const [dMean, dLogVariance] = tf.grads(f)([tf.zeros(shape), tf.zeros(shape)]);
    expect([...dMean!.dataSync()]).toEqual([1, 1, 1, 1]);
    expect([...dLogVariance!.dataSync()]).toEqual([0.5, 0.5, 0.5, 0.5]);
  });
});
