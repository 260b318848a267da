/** U-ViT under other names: the original UniDiffuser and U-ViT state dicts, and diffusers' UniDiffuserModel. */
import { DuetError } from '../../core/errors.ts';
import type { JointUvitConfig, UvitConfig } from '../../uvit/index.ts';
import { fusedLinear, linear, type NameRule, weightAndBias, withoutBatchAxis } from './name-map.ts';

/** The arguments of the original networks; absent ones have the original defaults. */
interface OriginalCommon {
  readonly img_size: number;
  readonly in_chans: number;
  readonly patch_size: number;
  readonly embed_dim: number;
  readonly depth: number;
  readonly num_heads: number;
  readonly mlp_ratio?: number;
  readonly qkv_bias?: boolean;
  readonly mlp_time_embed?: boolean;
}

export interface OriginalJointUvit extends OriginalCommon {
  readonly text_dim: number;
  readonly num_text_tokens: number;
  readonly clip_img_dim: number;
  /** v1 has the data-type token. */
  readonly variant?: string;
}

export interface OriginalUvit extends OriginalCommon {
  /** Absent or -1: unconditional. */
  readonly num_classes?: number;
  readonly clip_dim?: number;
  readonly num_clip_token?: number;
  readonly conv?: boolean;
  readonly skip?: boolean;
}

/** The unet/config.json of a diffusers folder, as far as it matters. */
export interface DiffusersUvit {
  readonly text_dim: number;
  readonly clip_img_dim: number;
  readonly num_text_tokens: number;
  readonly num_attention_heads: number;
  readonly attention_head_dim: number;
  readonly in_channels: number;
  readonly num_layers: number;
  readonly sample_size: number;
  readonly patch_size: number;
  readonly attention_bias?: boolean;
  readonly activation_fn?: string;
  readonly block_type?: string;
  readonly pre_layer_norm?: boolean;
  readonly use_timestep_embedding?: boolean;
  readonly use_data_type_embedding?: boolean;
}

const ORIGINAL_MLP_RATIO = 4;

function trunkFrom(config: OriginalCommon) {
  return {
    latentSize: config.img_size,
    latentChannels: config.in_chans,
    patchSize: config.patch_size,
    width: config.embed_dim,
    depth: config.depth,
    heads: config.num_heads,
    mlpRatio: config.mlp_ratio ?? ORIGINAL_MLP_RATIO,
    qkvBias: config.qkv_bias ?? false,
    timeMlp: config.mlp_time_embed ?? false,
  };
}

export function jointUvitConfigFrom(config: OriginalJointUvit): JointUvitConfig {
  return {
    ...trunkFrom(config),
    clipDim: config.clip_img_dim,
    textDim: config.text_dim,
    textTokens: config.num_text_tokens,
    dataTypeToken: config.variant === 'v1',
  };
}

export function uvitConfigFrom(config: OriginalUvit): UvitConfig {
  const { num_classes: classes = -1, clip_dim: dim, num_clip_token: tokens } = config;
  return {
    ...trunkFrom(config),
    ...(classes > 0 ? { classes } : {}),
    ...(dim !== undefined && tokens !== undefined ? { context: { dim, tokens } } : {}),
    finalConv: config.conv ?? true,
    skip: config.skip ?? true,
  };
}

/** Throws DuetError `invalid-config` for the variants of the block that diffusers offers but UniDiffuser does not use. */
export function jointUvitConfigFromDiffusers(config: DiffusersUvit): JointUvitConfig {
  const { activation_fn: activation = 'gelu', block_type: blockType = 'unidiffuser' } = config;
  if (activation !== 'gelu' || blockType !== 'unidiffuser' || config.pre_layer_norm) {
    const got = `activation_fn "${activation}", block_type "${blockType}", pre_layer_norm ${config.pre_layer_norm ?? false}`;
    throw new DuetError(
      'invalid-config',
      `Only activation "gelu" and post-norm "unidiffuser" blocks exist, got ${got}`,
    );
  }
  return {
    latentSize: config.sample_size,
    latentChannels: config.in_channels,
    patchSize: config.patch_size,
    width: config.num_attention_heads * config.attention_head_dim,
    depth: config.num_layers,
    heads: config.num_attention_heads,
    mlpRatio: 4, // not configurable in diffusers
    qkvBias: config.attention_bias ?? false,
    timeMlp: config.use_timestep_embedding ?? false,
    clipDim: config.clip_img_dim,
    textDim: config.text_dim,
    textTokens: config.num_text_tokens,
    dataTypeToken: config.use_data_type_embedding ?? false,
  };
}

const timeMlp = (ours: string, theirs: string): NameRule[] => [
  ...linear(`${ours}.fc1`, `${theirs}.0`),
  ...linear(`${ours}.fc2`, `${theirs}.2`),
];

/** Our name and the original's of every block. */
function blockNames(depth: number): { ours: string; theirs: string; isOut: boolean }[] {
  const half = Array.from({ length: depth / 2 }, (_, i) => i);
  return [
    ...half.map(i => ({ ours: `inBlocks.${i}`, theirs: `in_blocks.${i}`, isOut: false })),
    { ours: 'midBlock', theirs: 'mid_block', isOut: false },
    ...half.map(i => ({ ours: `outBlocks.${i}`, theirs: `out_blocks.${i}`, isOut: true })),
  ];
}

/** @param norms the original numbers of the norms of attention and perceptron */
function originalBlocks(depth: number, norms: readonly [string, string], skipNorm: boolean): NameRule[] {
  return blockNames(depth).flatMap(({ ours, theirs, isOut }) => [
    ...(isOut ? linear(`${ours}.skip.linear`, `${theirs}.skip_linear`) : []),
    ...(isOut && skipNorm ? weightAndBias(`${ours}.skip.norm`, `${theirs}.norm1`) : []),
    ...weightAndBias(`${ours}.attnNorm`, `${theirs}.${norms[0]}`),
    ...linear(`${ours}.attn.qkv`, `${theirs}.attn.qkv`),
    ...linear(`${ours}.attn.proj`, `${theirs}.attn.proj`),
    ...weightAndBias(`${ours}.mlpNorm`, `${theirs}.${norms[1]}`),
    ...linear(`${ours}.mlp.fc1`, `${theirs}.mlp.fc1`),
    ...linear(`${ours}.mlp.fc2`, `${theirs}.mlp.fc2`),
  ]);
}

/** Rules for the original UniDiffuser state dicts (uvit_v0.pth, uvit_v1.pth). Unneeded rules do no harm. */
export function jointUvitRules(config: JointUvitConfig): NameRule[] {
  return [
    ...linear('patchEmbed', 'patch_embed.proj'),
    ...linear('clipEmbed', 'clip_img_embed'),
    ...linear('textEmbed', 'text_embed'),
    { ours: 'positions', theirs: 'pos_embed', transform: withoutBatchAxis },
    { ours: 'dataTypeEmbed.weight', theirs: 'token_embedding.weight' },
    { ours: 'dataTypePosition', theirs: 'pos_embed_token', transform: withoutBatchAxis },
    ...timeMlp('imageTimeMlp', 'time_img_embed'),
    ...timeMlp('textTimeMlp', 'time_text_embed'),
    ...originalBlocks(config.depth, ['norm2', 'norm3'], true),
    ...weightAndBias('norm', 'norm'),
    ...linear('patchOut', 'decoder_pred'),
    ...linear('clipOut', 'clip_img_out'),
    ...linear('textOut', 'text_out'),
  ];
}

/** Rules for the original state dicts of the plain U-ViT. */
export function uvitRules(config: UvitConfig): NameRule[] {
  return [
    ...linear('patchEmbed', 'patch_embed.proj'),
    { ours: 'labelEmbed.weight', theirs: 'label_emb.weight' },
    ...linear('contextEmbed', 'context_embed'),
    { ours: 'positions', theirs: 'pos_embed', transform: withoutBatchAxis },
    ...timeMlp('timeMlp', 'time_embed'),
    ...originalBlocks(config.depth, ['norm1', 'norm2'], false),
    ...weightAndBias('norm', 'norm'),
    ...linear('patchOut', 'decoder_pred'),
    ...weightAndBias('finalConv', 'final_layer'),
  ];
}

function diffusersBlocks(depth: number): NameRule[] {
  return blockNames(depth).flatMap(({ ours, theirs, isOut }) => {
    const outer = `transformer.transformer_${theirs}`;
    const inner = isOut ? `${outer}.block` : outer;
    return [
      ...(isOut ? linear(`${ours}.skip.linear`, `${outer}.skip.skip_linear`) : []),
      ...(isOut ? weightAndBias(`${ours}.skip.norm`, `${outer}.skip.norm`) : []),
      ...weightAndBias(`${ours}.attnNorm`, `${inner}.norm1`),
      ...fusedLinear(
        `${ours}.attn.qkv`,
        ['q', 'k', 'v'].map(letter => `${inner}.attn1.to_${letter}`),
      ),
      ...linear(`${ours}.attn.proj`, `${inner}.attn1.to_out.0`),
      ...weightAndBias(`${ours}.mlpNorm`, `${inner}.norm3`),
      ...linear(`${ours}.mlp.fc1`, `${inner}.ff.net.0.proj`),
      ...linear(`${ours}.mlp.fc2`, `${inner}.ff.net.2`),
    ];
  });
}

/** Rules for diffusers' UniDiffuserModel (the folder unet/). */
export function jointUvitDiffusersRules(config: JointUvitConfig): NameRule[] {
  const time = (ours: string, theirs: string): NameRule[] => [
    ...linear(`${ours}.fc1`, `${theirs}.linear_1`),
    ...linear(`${ours}.fc2`, `${theirs}.linear_2`),
  ];
  return [
    ...linear('patchEmbed', 'vae_img_in.proj'),
    ...linear('clipEmbed', 'clip_img_in'),
    ...linear('textEmbed', 'text_in'),
    { ours: 'positions', theirs: 'pos_embed', transform: withoutBatchAxis },
    { ours: 'dataTypeEmbed.weight', theirs: 'data_type_token_embedding.weight' },
    { ours: 'dataTypePosition', theirs: 'data_type_pos_embed_token', transform: withoutBatchAxis },
    ...time('imageTimeMlp', 'timestep_img_embed'),
    ...time('textTimeMlp', 'timestep_text_embed'),
    ...diffusersBlocks(config.depth),
    ...weightAndBias('norm', 'transformer.norm_out'),
    ...linear('patchOut', 'vae_img_out'),
    ...linear('clipOut', 'clip_img_out'),
    ...linear('textOut', 'text_out'),
  ];
}
