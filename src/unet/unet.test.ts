import * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import { exampleInputs, expectOneGraph, freshParams, freshWeights } from '../../test/support/networks.ts';
import { largestDifference, wave } from '../../test/support/tensors.ts';
import { flattenTree } from '../core/tree.ts';
import type { LinearSpec } from '../nn/linear.ts';
import { countParams, type Params } from '../nn/params.ts';
import { unetConfigFromDiffusers } from '../weights/names/unet.ts';
import { contextUnet, type UnetConfig, type UnetParams, unet, unetSpec } from './index.ts';
import { placedFeatures, spreadOver } from './placed-features.ts';

/** The convolutional U-Net of a small model: no context, a pooled condition as factor and offset. */
const small: UnetConfig = {
  inChannels: 3,
  outChannels: 3,
  levels: [
    { width: 4, blocks: 1, down: 'none', up: 'none' },
    { width: 8, blocks: 1, down: 'self', up: 'self', heads: 2 },
  ],
  mid: 'self',
  class: { kind: 'features', width: 5, map: 'mlp' },
  conditioning: 'scale-shift',
  normGroups: 2,
};

const tens = ({ weight, bias }: Params<LinearSpec>) => ({ weight: tf.mul(weight, 30), bias: bias! });
const paramsOf = (config: UnetConfig) => freshParams(unetSpec(config));

describe('unetSpec', () => {
  // The numbers of the published networks (Stable Diffusion 1.5 and 2.1-base).
  it("has as many parameters as Stable Diffusion's", () => {
    const first = unetConfigFromDiffusers({ cross_attention_dim: 768, attention_head_dim: 8 });
    expect(countParams(unetSpec(first))).toBe(859_520_964);
    const second = unetConfigFromDiffusers({ cross_attention_dim: 1024, attention_head_dim: [5, 10, 20, 20] });
    expect(countParams(unetSpec(second))).toBe(865_910_724);
    expect(countParams(unetSpec({ ...first, inChannels: 9 }))).toBe(859_520_964 + 5 * 320 * 9);
  });

  it.each([
    [{ normGroups: 3 }, /width 4 is no multiple of normGroups 3/],
    [{ levels: [{ ...small.levels[1]!, heads: 3 }] }, /width 8 is no multiple of its 3 heads/],
    [{ mid: 'cross' }, /contextWidth is missing/],
    [{ inKernel: 2 }, /odd sides/],
    [{ class: { kind: 'features', width: 5, map: 'identity' } }, /have 16 values, got 5/],
  ] as [Partial<UnetConfig>, RegExp][])('refuses %j', (change, message) => {
    expect(() => unetSpec({ ...small, ...change })).toThrow(message);
  });
});

describe('contextUnet', () => {
  const config = { ...small, contextWidth: 5, mid: 'cross' } as const;
  const params = paramsOf(config);
  const inputs = { sample: wave([2, 3, 4, 6]), time: tf.tensor1d([1, 500]), context: wave([2, 4, 5]) };

  it('takes the mean of the context as class features, and none where they are left out', () => {
    const of = (features: tf.Tensor) => unet(params, { ...inputs, class: features }, config);
    const mean = tf.mean(inputs.context, 1);
    expect(largestDifference(contextUnet(params, inputs, config), of(mean))).toBe(0);
    const some = contextUnet(params, { ...inputs, featured: tf.tensor1d([1, 0]) }, config);
    const expected = of(tf.concat([mean.slice([0, 0], [1, 5]), tf.zeros([1, 5])], 0));
    expect(largestDifference(some, expected)).toBe(0);
    expect(largestDifference(some, of(mean))).toBeGreaterThan(1e-5);
  });
});

describe('features by place', () => {
  const config: UnetConfig = {
    ...small,
    contextWidth: 5,
    mid: 'cross',
    class: { kind: 'features', width: 5, map: 'mlp', places: 2 },
  };
  const params = paramsOf(config);
  const inputs = { sample: wave([2, 3, 8, 12]), time: tf.tensor1d([1, 500]), context: wave([2, 4, 5]) };

  it('are the mean everywhere as long as nothing is asked for, and differ where something is', () => {
    const places = params.conditioning.places!;
    const silent = {
      ...places,
      key: { weight: tf.zerosLike(places.key.weight), bias: tf.zerosLike(places.key.bias!) },
    };
    const mean = tf.mean(inputs.context, 1, true);
    const same = placedFeatures(silent, inputs.context);
    expect(same.shape).toEqual([2, 4, 5]);
    expect(largestDifference(same, tf.tile(mean, [1, 4, 1]))).toBeLessThan(1e-6);
    const loud = { ...places, positions: tf.mul(wave([4, 5]), 50), query: tens(places.query), key: tens(places.key) };
    const found = placedFeatures(loud, inputs.context);
    expect(largestDifference(found, same)).toBeGreaterThan(1e-3);
    // Half the mean and half a convex combination: nothing outside of what the context holds.
    const others = tf.sub(tf.mul(found, 2), mean);
    expect(tf.max(others).dataSync()[0]).toBeLessThanOrEqual(tf.max(inputs.context).dataSync()[0]! + 1e-5);
  });

  it('condition the network as one place does where all are the same', () => {
    const one = { ...config, class: { kind: 'features', width: 5, map: 'mlp' } } as const;
    const features = wave([2, 5], 3);
    const everywhere = tf.tile(features.expandDims(1), [1, 4, 1]);
    const placed = unet(params, { ...inputs, class: everywhere }, config);
    expect(largestDifference(placed, unet(params, { ...inputs, class: features }, one))).toBeLessThan(1e-5);
    expect(contextUnet(params, inputs, config).shape).toEqual([2, 3, 8, 12]);
  });

  it('lie on the picture as their grid does', () => {
    const corners = tf.tensor3d([[[1], [2], [3], [4]]]);
    const spread = spreadOver(corners, 4, 4).dataSync();
    expect([0, 3, 12, 15].map(at => spread[at])).toEqual([1, 2, 3, 4]);
  });

  it('are not put beside the time', () => {
    expect(() => unetSpec({ ...config, classJoin: 'concat' })).toThrow(/features of places are added/);
  });

  it('train like the rest: every parameter has a gradient', () => {
    const flat = flattenTree<tf.Tensor>(params.conditioning.places!, node => node instanceof tf.Tensor);
    const names = Object.keys(flat);
    const loss = (...tensors: tf.Tensor[]) => {
      const [positions, summaryWeight, summaryBias, queryWeight, queryBias, keyWeight, keyBias] = tensors;
      const places = {
        positions: positions!,
        summary: { weight: summaryWeight!, bias: summaryBias! },
        query: { weight: queryWeight!, bias: queryBias! },
        key: { weight: keyWeight!, bias: keyBias! },
      };
      const own = { ...params, conditioning: { ...params.conditioning, places } };
      return tf.sum(tf.mul(contextUnet(own, inputs, config), wave([2, 3, 8, 12], 5))) as tf.Scalar;
    };
    expect(names).toHaveLength(7);
    const gradients = tf.grads(loss)(Object.values(flat));
    for (const [at, gradient] of gradients.entries()) {
      // A key's bias moves all weights of a softmax alike.
      if (names[at] !== 'key.bias') expect(tf.max(tf.abs(gradient)).dataSync()[0], names[at]).toBeGreaterThan(0);
    }
  });
});

describe('unet', () => {
  const inputs = { sample: wave([2, 3, 4, 6]), time: tf.tensor1d([1, 500]), class: wave([2, 5]) };

  it('depends on every input', () => {
    const params = paramsOf(small);
    const out = unet(params, inputs, small);
    expect(out.shape).toEqual([2, 3, 4, 6]);
    const others = { sample: wave([2, 3, 4, 6], 1), time: tf.tensor1d([900, 20]), class: wave([2, 5], 1) };
    for (const name of ['sample', 'time', 'class'] as const) {
      const changed = unet(params, { ...inputs, [name]: others[name] }, small);
      expect(largestDifference(changed, out), name).toBeGreaterThan(1e-5); // fresh weights of embeddings are small
    }
  });

  it.each([
    [{ sample: wave([2, 4, 4, 6]) }, small, /sample must be \[B, 3, H, W\], got \[2,4,4,6\]/],
    [{ time: tf.tensor1d([1]) }, small, /time must be \[2\], got \[1\]/],
    [{ class: undefined }, small, /needs the input "class"/],
    [{ sample: wave([2, 3, 5, 6]) }, { ...small, downsamplePad: 'end' }, /multiples of 2 in this network, got 5 x 6/],
    [{}, { ...small, mid: 'cross', contextWidth: 4 }, /needs the input "context"/],
    [{ context: wave([2, 7, 3]) }, { ...small, mid: 'cross', contextWidth: 4 }, /context must be \[2, L, 4\]/],
  ] as [object, UnetConfig, RegExp][])('refuses inputs %#', (change, config, message) => {
    expect(() => unet(paramsOf(config), { ...inputs, ...change }, config)).toThrow(message);
  });
});

describe('compiled', () => {
  it('is one graph for any batch, height, width and length of the context', async () => {
    const config: UnetConfig = {
      ...small,
      levels: [{ ...small.levels[0]!, down: 'cross', up: 'cross-only' }, small.levels[1]!],
      contextWidth: 3,
    };
    const params = freshWeights(unetSpec(config), { seed: 2 });
    const program = ({ params, inputs }: { params: UnetParams; inputs: Record<string, tf.Tensor> }) => {
      const { sample, time, context, class: label } = inputs;
      return { outputs: { y: unet(params, { sample: sample!, time: time!, context, class: label }, config) } };
    };
    const spec = {
      params,
      inputs: {
        sample: { dtype: 'float32', shape: ['batch', 3, 'height', 'width'] },
        time: { dtype: 'float32', shape: ['batch'] },
        context: { dtype: 'float32', shape: ['batch', 'length', 3] },
        class: { dtype: 'float32', shape: ['batch', 5] },
      },
      dimensions: { height: { multipleOf: 2 }, width: { multipleOf: 2 } },
    } as const;
    const sizes = [
      { batch: 1, height: 4, width: 4, length: 3 },
      { batch: 3, height: 2, width: 6, length: 1 },
      { batch: 2, height: 4, width: 2, length: 5 },
    ];
    const runs = sizes.map(size => exampleInputs(spec.inputs, size));
    await expectOneGraph(program, spec, runs);
  });
});
