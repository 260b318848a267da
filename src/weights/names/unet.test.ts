import { Value } from 'typebox/value';
import { describe, expect, test } from 'vitest';
import { flattenTree } from '../../core/tree.ts';
import { isParamSpec } from '../../nn/params.ts';
import { unetSpec } from '../../unet/index.ts';
import { type DiffusersUnet, diffusersUnetSchema, unetConfigFromDiffusers, unetRules } from './unet.ts';

const wide = {
  cross_attention_dim: 8,
  block_out_channels: [32, 64],
  down_block_types: ['DownBlock2D', 'CrossAttnDownBlock2D'],
};
const tiny: DiffusersUnet = { ...wide, up_block_types: ['CrossAttnUpBlock2D', 'UpBlock2D'] };

test('published configurations of 2022, which lack most fields, read as Stable Diffusion', () => {
  const config = unetConfigFromDiffusers({ sample_size: 64, cross_attention_dim: 768, attention_head_dim: 8 });
  expect(config.levels.map(({ width, down, up, heads }) => [width, down, up, heads])).toEqual([
    [320, 'cross', 'cross', 8],
    [640, 'cross', 'cross', 8],
    [1280, 'cross', 'cross', 8],
    [1280, 'none', 'none', 8],
  ]);
  expect(config).toMatchObject({ mid: 'cross', normGroups: 32, normEpsilon: 1e-5, inChannels: 4, contextWidth: 768 });
});

test('the rules make every parameter of different tensors, each of its own', () => {
  const config = unetConfigFromDiffusers({ cross_attention_dim: 768, time_cond_proj_dim: 256, num_class_embeds: 10 });
  const rules = new Map(unetRules(config).map(rule => [rule.ours, rule.theirs]));
  const names = Object.keys(flattenTree(unetSpec(config), isParamSpec)).map(name => rules.get(name));
  expect(names).not.toContain(undefined);
  expect(new Set(names).size).toBe(names.length);
  expect(names.length).toBe(688); // the 686 of Stable Diffusion, guidance and class
});

describe('refuses what is not built, by name', () => {
  test.each([
    [{ addition_embed_type: 'text_time' }, /addition_embed_type "text_time" is not built; it must be absent/],
    [
      { down_block_types: ['KDownBlock2D', 'DownBlock2D'] },
      /down_block_types "KDownBlock2D" is not built; .*AttnDownBlock2D/,
    ],
    [{ mid_block_type: 'UNetMidBlock2DSimpleCrossAttn' }, /mid_block_type .* is not built/],
    [{ act_fn: 'mish' }, /act_fn "mish" is not built; it must be one of silu/],
    [{ attention_head_dim: [1, 2, 3] }, /attention_head_dim must have 2 entries, one for each level, got 3/],
    [{ cross_attention_dim: [8, 16] }, /must be the same at all levels/],
    [{ norm_num_groups: null }, /norm_num_groups null/],
    [{ class_embed_type: 'projection' }, /needs projection_class_embeddings_input_dim/],
    [{ class_embed_type: 'text' }, /class_embed_type "text" is not built/],
    [
      { down_block_types: ['AttnDownBlock2D', 'DownBlock2D'], up_block_types: ['UpBlock2D', 'CrossAttnUpBlock2D'] },
      /Level 0 has attention of both kinds with 4 and 8 heads/,
    ],
    [{ num_attention_heads: 4 }, /num_attention_heads 4 is not built/],
  ] as [Partial<DiffusersUnet>, RegExp][])('%j', (change, message) => {
    expect(() => unetConfigFromDiffusers({ ...tiny, ...change })).toThrow(message);
  });

  test('fields of another type do not pass the schema', () => {
    expect(Value.Check(diffusersUnetSchema, tiny)).toBe(true);
    for (const wrong of [
      { in_channels: '4' },
      { block_out_channels: [] },
      { norm_eps: 0 },
      { attention_head_dim: 2.5 },
    ]) {
      expect(Value.Check(diffusersUnetSchema, { ...tiny, ...wrong })).toBe(false);
    }
  });
});
