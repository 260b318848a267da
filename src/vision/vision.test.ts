import * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import { expectSameGradients } from '../../test/support/gradients.ts';
import { exampleInputs, expectOneGraph, freshParams, freshWeights } from '../../test/support/networks.ts';
import { largestDifference, wave } from '../../test/support/tensors.ts';
import { float32, type HostTensor } from '../core/host-tensor.ts';
import type { Program } from '../engine/types.ts';
import { countParams } from '../nn/params.ts';
import { miniGpt4ConfigFrom } from '../weights/names/minigpt4.ts';
import {
  type VisualFrontEndConfig,
  type VisualFrontEndParams,
  type VisualInputs,
  visualFrontEnd,
  visualFrontEndSpec,
} from './index.ts';

const block = { width: 8, layers: 2, heads: 2, mlpWidth: 12, activation: 'erf', epsilon: 1e-6 } as const;

/** As InstructBLIP. */
const instructed: VisualFrontEndConfig = {
  tower: {
    ...block,
    imageSize: 4,
    patchSize: 2,
    channels: 3,
    patchBias: true,
    preNorm: false,
    biases: 'query-value',
    featureLayers: [2],
    classToken: true,
  },
  connector: {
    normEpsilon: 1e-5,
    qFormer: { ...block, width: 6, queries: 3, crossEvery: 2, text: { vocabularySize: 11, positions: 40 } },
    projection: { width: 7, bias: true },
  },
};

/** As LLaVA, with features of two layers. */
const { tower } = instructed;
const plain: VisualFrontEndConfig = {
  tower: { ...tower, preNorm: true, patchBias: false, biases: 'all', featureLayers: [0, 1], classToken: false },
  connector: { projection: { width: 7, bias: true, activation: 'erf' } },
};

/** Larger than fresh weights, so that every part tells in the result. */
const scaled = { seed: 3, factor: 10 };
const weightsOf = (config: VisualFrontEndConfig) => freshWeights(visualFrontEndSpec(config), scaled);
const paramsOf = (config: VisualFrontEndConfig) => freshParams(visualFrontEndSpec(config), scaled);

const pixels = wave([2, 3, 4, 4]);
const ids = tf.tensor2d([3, 1, 4, 1, 5, 9], [2, 3], 'int32');

describe('visualFrontEndSpec', () => {
  // Of the published files: eva_vit_g.pth, and the Q-Former with its queries.
  it("has as many parameters as MiniGPT-4's front end", () => {
    const spec = visualFrontEndSpec(miniGpt4ConfigFrom({ llm_width: 4096 }));
    expect(countParams(spec.tower)).toBe(985_894_528);
    expect(countParams(spec.connector.qFormer!)).toBe(105_162_240);
    expect(countParams(spec.connector.projection)).toBe(4096 * 768 + 4096);
  });
  it('refuses features from layers that are not there', () => {
    const beyond = { ...plain, tower: { ...plain.tower, featureLayers: [1, 3] } };
    expect(() => visualFrontEndSpec(beyond)).toThrow(/from 0 to the tower's 2 layers, got 3/);
  });
});

describe('visualFrontEnd', () => {
  const run = (config: VisualFrontEndConfig, inputs: VisualInputs) => visualFrontEnd(paramsOf(config), inputs, config);

  it('gives a vector for each query, or for each patch', () => {
    expect(run(instructed, { pixels, instruction: { ids } }).shape).toEqual([2, 3, 7]);
    expect(run(plain, { pixels }).shape).toEqual([2, 4, 7]);
    const withClass = { ...plain, tower: { ...plain.tower, classToken: true } };
    expect(run(withClass, { pixels }).shape).toEqual([2, 5, 7]);
  });
  it('depends on picture and instruction, and not on hidden words', () => {
    const mask = tf.tensor2d([1, 1, 0, 1, 1, 0], [2, 3]);
    const got = run(instructed, { pixels, instruction: { ids, mask } });
    const difference = (inputs: VisualInputs) => largestDifference(got, run(instructed, inputs));
    expect(difference({ pixels: wave([2, 3, 4, 4], 1), instruction: { ids, mask } })).toBeGreaterThan(1e-3);
    expect(difference({ pixels, instruction: { ids } })).toBeGreaterThan(1e-3);
    const other = tf.tensor2d([3, 1, 7, 1, 5, 7], [2, 3], 'int32');
    expect(difference({ pixels, instruction: { ids: other, mask } })).toBe(0);
    const cut = tf.slice(ids, [0, 0], [2, 2]);
    expect(difference({ pixels, instruction: { ids: cut } })).toBeLessThan(1e-5);
  });
  it.each([
    [instructed, undefined, /reads an instruction beside the image, got none/],
    [
      { ...instructed, connector: { ...instructed.connector, qFormer: { ...block, queries: 3, crossEvery: 1 } } },
      ids,
      /has no words/,
    ],
    [plain, ids, /reads no instruction/],
    [instructed, tf.zeros([2, 41], 'int32'), /at most 40 tokens, got 41/],
  ] as [VisualFrontEndConfig, tf.Tensor | undefined, RegExp][])('refuses instructions %#', (config, words, message) => {
    expect(() => run(config, { pixels, instruction: words && { ids: words } })).toThrow(message);
  });
});

describe('compiled', () => {
  const host = (tensor: tf.Tensor) => float32(tensor.shape, tensor.dataSync<'float32'>());

  it('is one graph for any number of pictures and length of instructions', async () => {
    const params = weightsOf(instructed);
    const program: Program<VisualFrontEndParams, undefined> = ({ params: own, inputs }) => {
      const instruction = { ids: inputs['ids']!, mask: inputs['mask'] };
      return { outputs: { y: visualFrontEnd(own, { pixels: inputs['pixels']!, instruction }, instructed) } };
    };
    const spec = {
      params,
      inputs: {
        pixels: { dtype: 'float32', shape: ['batch', 3, 4, 4] },
        ids: { dtype: 'int32', shape: ['batch', 'length'] },
        mask: { dtype: 'float32', shape: ['batch', 'length'] },
      },
      dimensions: { length: { max: 40 } },
    } as const;
    const sizes = [
      { batch: 1, length: 3 },
      { batch: 3, length: 1 },
      { batch: 2, length: 5 },
    ];
    const runs = sizes.map(size => {
      const mask = host(tf.ones([size.batch, size.length]));
      return { ...exampleInputs(spec.inputs, size), mask };
    });
    await expectOneGraph(program, spec, runs);
  });

  it.each([
    ['instructed', instructed],
    ['plain', plain],
  ] as const)('has the same gradients as eager: %s', async (_, config) => {
    const words: HostTensor = { dtype: 'int32', shape: [2, 3], data: Int32Array.of(3, 1, 4, 1, 5, 9) };
    const loss = (params: VisualFrontEndParams, given: Record<string, tf.Tensor>) => {
      const instruction = config === instructed ? { ids: given['ids']! } : undefined;
      const y = visualFrontEnd(params, { pixels: given['pixels']!, instruction }, config);
      return y.mul(wave(y.shape, 0.3)).sum();
    };
    const problem = { loss, params: weightsOf(config), inputs: { pixels: host(pixels), ids: words } };
    const eager = await expectSameGradients(problem, 1e-4);
    const reached = Object.entries(eager).filter(([, { data }]) => data.some(value => value !== 0));
    const names = reached.map(([name]) => name);
    expect(names).toContain('tower.classEmbedding');
    expect(names).toContain('connector.projection.fc1.weight');
    if (config === instructed) expect(names).toContain('connector.qFormer.layers.0.cross.attention.key.weight');
  });
});
