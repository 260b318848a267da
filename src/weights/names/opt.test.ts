import * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import { freshParams } from '../../../test/support/networks.ts';
import { flattenTree } from '../../core/tree.ts';
import { embedTokens, opt, optModel, optSpec } from '../../lm/index.ts';
import { isParamSpec } from '../../nn/params.ts';
import { optConfigFrom, optRules } from './opt.ts';

describe('optConfigFrom', () => {
  it('knows the form of OPT-350m: norms behind, narrow embeddings, no final norm', () => {
    const file = { hidden_size: 1024, num_attention_heads: 16, word_embed_proj_dim: 512, do_layer_norm_before: false };
    const config = optConfigFrom(file, 'x');
    expect(config).toMatchObject({ order: 'post', embeddingWidth: 512 });
    const spec = flattenTree(optSpec({ ...config, layers: 1 }), isParamSpec);
    const known = new Set(optRules({ ...config, layers: 1 }).map(({ ours }) => ours));
    expect(Object.keys(spec).filter(name => !known.has(name))).toEqual([]);
    expect(Object.keys(spec).some(name => name.startsWith('finalNorm'))).toBe(false);
    expect(spec['projectIn.weight']?.shape).toEqual([1024, 512]);
    expect(spec['tokenEmbedding.weight']?.shape).toEqual([50_272, 512]);
    expect(spec['positionEmbedding.weight']?.shape).toEqual([2050, 1024]);
  });
  it('runs in that form', () => {
    const file = { vocab_size: 7, hidden_size: 4, ffn_dim: 6, num_hidden_layers: 1, num_attention_heads: 2 };
    const narrow = { word_embed_proj_dim: 3, do_layer_norm_before: false, max_position_embeddings: 5 };
    const config = optConfigFrom({ ...file, ...narrow }, 'x');
    const params = freshParams(optSpec(config));
    const read = (ids: number[]) => {
      const states = opt(params, { embeddings: embedTokens(params, tf.tensor2d([ids], undefined, 'int32')) }, config);
      expect(states.shape).toEqual([1, ids.length, 4]);
      // The last layer ends in a norm, whose mean is 0 with fresh weights.
      for (const mean of tf.mean(states, 2).dataSync()) expect(mean).toBeCloseTo(0, 5);
      return optModel(config).logits(params, states);
    };
    expect(read([1, 2, 3, 4, 5]).shape).toEqual([1, 5, 7]);
    expect(() => read([1, 2, 3, 4, 5, 6])).toThrow(/has 5 positions, got 6/);
  });
  it.each([
    [{ activation_function: 'valueOf' }, /must be one of relu, gelu, gelu_new, got valueOf/],
    [{ enable_bias: false }, /enable_bias other than true is not built/],
    [{ hidden_size: 0 }, /x: hidden_size/],
  ])('refuses %j', (file, message) => {
    expect(() => optConfigFrom(file, 'x')).toThrow(message);
  });
});
