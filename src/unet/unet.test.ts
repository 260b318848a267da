import * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import { exampleInputs, expectOneGraph, freshParams, freshWeights } from '../../test/support/networks.ts';
import { largestDifference, wave } from '../../test/support/tensors.ts';
import { countParams } from '../nn/params.ts';
import { unetConfigFromDiffusers } from '../weights/names/unet.ts';
import { type UnetConfig, type UnetParams, unet, unetSpec } from './index.ts';

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
