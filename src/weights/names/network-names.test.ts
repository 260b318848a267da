import { describe, expect, test } from 'vitest';
import { type AutoencoderConfig, autoencoderSpec } from '../../autoencoder/index.ts';
import { float32 } from '../../core/host-tensor.ts';
import { flattenTree, type Tree } from '../../core/tree.ts';
import { isParamSpec, type ParamSpec } from '../../nn/params.ts';
import { jointUvitSpec } from '../../uvit/index.ts';
import {
  autoencoderConfigFrom,
  autoencoderConfigFromDiffusers,
  autoencoderLayoutOf,
  autoencoderRules,
} from './autoencoder.ts';
import type { NameRule } from './name-map.ts';
import { jointUvitConfigFrom, jointUvitConfigFromDiffusers, jointUvitDiffusersRules, jointUvitRules } from './uvit.ts';

/** Their tensors that the network of `spec` is made of. */
function theirNames(spec: Tree<ParamSpec>, rules: readonly NameRule[]): string[] {
  const ours = flattenTree(spec, isParamSpec);
  const used = rules.filter(rule => rule.ours in ours);
  expect(new Set(used.map(rule => rule.ours)).size).toBe(Object.keys(ours).length);
  return used.flatMap(rule => rule.theirs);
}

const original = {
  img_size: 64,
  in_chans: 4,
  patch_size: 2,
  embed_dim: 1536,
  depth: 30,
  num_heads: 24,
  text_dim: 64,
  num_text_tokens: 77,
  clip_img_dim: 512,
};

const diffusers = {
  text_dim: 64,
  clip_img_dim: 512,
  num_text_tokens: 77,
  num_attention_heads: 24,
  attention_head_dim: 64,
  in_channels: 4,
  num_layers: 30,
  sample_size: 64,
  patch_size: 2,
};

describe('U-ViT', () => {
  // As many as the published checkpoints hold; diffusers' has a copy of the patch embedding that nothing uses (2 tensors).
  test('the original checkpoints are used whole', () => {
    for (const [variant, count] of [
      ['v0', 416],
      ['v1', 418],
    ] as const) {
      const config = jointUvitConfigFrom({ ...original, variant });
      expect(new Set(theirNames(jointUvitSpec(config), jointUvitRules(config))).size).toBe(count);
    }
  });

  test('the diffusers checkpoint is used whole', () => {
    const config = jointUvitConfigFromDiffusers({ ...diffusers, use_data_type_embedding: true });
    expect(config).toEqual({ ...jointUvitConfigFrom({ ...original, variant: 'v1' }) });
    expect(new Set(theirNames(jointUvitSpec(config), jointUvitDiffusersRules(config))).size).toBe(482 - 2);
  });

  test('block variants that UniDiffuser does not have are refused', () => {
    expect(() => jointUvitConfigFromDiffusers({ ...diffusers, pre_layer_norm: true })).toThrow(/pre_layer_norm true/);
    expect(() => jointUvitConfigFromDiffusers({ ...diffusers, activation_fn: 'geglu' })).toThrow(/geglu/);
  });
});

describe('autoencoder', () => {
  const dd = { in_channels: 3, z_channels: 4, ch: 128, ch_mult: [1, 2, 4, 4], num_res_blocks: 2 };
  const vae = { in_channels: 3, latent_channels: 4, block_out_channels: [128, 256, 512, 512], layers_per_block: 2 };

  test.each(['original', 'diffusers', 'diffusers-2023'] as const)('%s: all 248 tensors, recognised', layout => {
    const config = autoencoderConfigFrom(dd);
    const names = theirNames(autoencoderSpec(config), autoencoderRules(config, layout));
    expect(new Set(names).size).toBe(248);
    expect(autoencoderLayoutOf(names)).toBe(layout);
  });

  test('both configurations mean the same network; other variants are refused', () => {
    const { midAttention: _, ...same } = autoencoderConfigFromDiffusers(vae);
    expect(same).toEqual(autoencoderConfigFrom(dd));
    expect(() => autoencoderConfigFrom({ ...dd, embed_dim: 3 })).toThrow(/embed_dim 3/);
    expect(() => autoencoderConfigFrom({ ...dd, attn_resolutions: [16] })).toThrow(/\[16\]/);
  });

  test('attention: 1 x 1 convolutions become one matrix, queries first', () => {
    const config: AutoencoderConfig = {
      ...autoencoderConfigFrom(dd),
      channels: 1,
      channelMultipliers: [2],
      normGroups: 1,
    };
    const rule = autoencoderRules(config, 'original').find(rule => rule.ours === 'encoder.mid.attention.qkv.weight')!;
    const part = (value: number) => float32([2, 2, 1, 1], Float32Array.of(value, value + 1, value + 2, value + 3));
    // [in, out]: row = input channel; q's transposed square, then k's, then v's.
    expect([...rule.transform!.apply([part(0), part(10), part(20)]).data]).toEqual([
      0, 2, 10, 12, 20, 22, 1, 3, 11, 13, 21, 23,
    ]);
  });
});
