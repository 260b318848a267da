/** The KL autoencoder under other names: the original (CompVis) state dict and diffusers' AutoencoderKL. */
import Type, { type Static } from 'typebox';
import type { AutoencoderConfig } from '../../autoencoder/index.ts';
import { DuetError } from '../../core/errors.ts';
import { fusedLinear, linear, type NameRule, weightAndBias } from './name-map.ts';

/** The original's ddconfig. */
export interface OriginalAutoencoder {
  readonly in_channels: number;
  readonly z_channels: number;
  readonly ch: number;
  readonly ch_mult: readonly number[];
  readonly num_res_blocks: number;
  readonly embed_dim?: number;
  readonly attn_resolutions?: readonly number[];
}

const width = Type.Integer({ minimum: 1 });

/** The vae/config.json of a diffusers folder, as far as it matters; absent fields have diffusers' defaults. */
export const diffusersAutoencoderSchema = Type.Object({
  in_channels: Type.Optional(width),
  out_channels: Type.Optional(width),
  latent_channels: Type.Optional(width),
  block_out_channels: Type.Optional(Type.Array(width, { minItems: 1 })),
  layers_per_block: Type.Optional(width),
  norm_num_groups: Type.Optional(width),
  mid_block_add_attention: Type.Optional(Type.Boolean()),
  down_block_types: Type.Optional(Type.Array(Type.String())),
  up_block_types: Type.Optional(Type.Array(Type.String())),
  act_fn: Type.Optional(Type.String()),
  use_quant_conv: Type.Optional(Type.Boolean()),
  use_post_quant_conv: Type.Optional(Type.Boolean()),
  /** Latents are multiplied by it before they are noised. */
  scaling_factor: Type.Optional(Type.Number({ exclusiveMinimum: 0 })),
  /** Subtracted from latents before they are multiplied. */
  shift_factor: Type.Optional(Type.Union([Type.Number(), Type.Null()])),
});
export type DiffusersAutoencoder = Static<typeof diffusersAutoencoderSchema>;

/** Which names a checkpoint has; `diffusers-2023` differs from `diffusers` in the attention only. */
export type AutoencoderLayout = 'original' | 'diffusers' | 'diffusers-2023';

/** Fixed in the original code, and diffusers' default. */
const NORM_GROUPS = 32;

export function autoencoderConfigFrom(config: OriginalAutoencoder): AutoencoderConfig {
  const { embed_dim: embedDim = config.z_channels, attn_resolutions: attention = [] } = config;
  if (embedDim !== config.z_channels || attention.length > 0) {
    throw new DuetError(
      'invalid-config',
      `Only autoencoders with embed_dim = z_channels and without attn_resolutions exist here, got embed_dim ${embedDim},` +
        ` z_channels ${config.z_channels}, attn_resolutions [${attention}]`,
    );
  }
  return {
    inChannels: config.in_channels,
    latentChannels: config.z_channels,
    channels: config.ch,
    channelMultipliers: [...config.ch_mult],
    blocksPerLevel: config.num_res_blocks,
    normGroups: NORM_GROUPS,
  };
}

/** Throws DuetError `invalid-config` for the variants of the network that diffusers offers but that are not built. */
export function autoencoderConfigFromDiffusers(config: DiffusersAutoencoder): AutoencoderConfig {
  const { in_channels: inChannels = 3, block_out_channels: widths = [64], act_fn: activation = 'silu' } = config;
  const blocks = [...(config.down_block_types ?? []), ...(config.up_block_types ?? [])];
  const problem = [
    ...((config.out_channels ?? 3) === inChannels ? [] : ['out_channels must be in_channels']),
    ...(['silu', 'swish'].includes(activation) ? [] : [`act_fn must be silu, got ${JSON.stringify(activation)}`]),
    ...((config.use_quant_conv ?? true) && (config.use_post_quant_conv ?? true)
      ? []
      : ['quant convolutions are needed']),
    ...blocks
      .filter(block => !['DownEncoderBlock2D', 'UpDecoderBlock2D'].includes(block))
      .map(block => `blocks are DownEncoderBlock2D and UpDecoderBlock2D, got ${JSON.stringify(block)}`),
  ][0];
  if (problem) throw new DuetError('invalid-config', `This autoencoder is not built: ${problem}`);
  const [channels] = widths as [number];
  return {
    inChannels,
    latentChannels: config.latent_channels ?? 4,
    channels,
    channelMultipliers: widths.map(width => width / channels),
    blocksPerLevel: config.layers_per_block ?? 1,
    normGroups: config.norm_num_groups ?? NORM_GROUPS,
    midAttention: config.mid_block_add_attention ?? true,
  };
}

/** What the layouts call the pieces. */
interface LayoutNames {
  readonly shortcut: string;
  readonly midBlock: (index: 0 | 1) => string;
  readonly attention: string;
  readonly attentionNorm: string;
  /** Query, key, value, projection. */
  readonly attentionParts: readonly [string, string, string, string];
  readonly normOut: string;
  readonly encoderBlock: (level: number, block: number) => string;
  readonly downsample: (level: number) => string;
  /** `level` counts from the lowest resolution, of `levels`. */
  readonly decoderBlock: (level: number, block: number, levels: number) => string;
  readonly upsample: (level: number, levels: number) => string;
}

const diffusers: LayoutNames = {
  shortcut: 'conv_shortcut',
  midBlock: index => `mid_block.resnets.${index}`,
  attention: 'mid_block.attentions.0',
  attentionNorm: 'group_norm',
  attentionParts: ['to_q', 'to_k', 'to_v', 'to_out.0'],
  normOut: 'conv_norm_out',
  encoderBlock: (level, block) => `down_blocks.${level}.resnets.${block}`,
  downsample: level => `down_blocks.${level}.downsamplers.0.conv`,
  decoderBlock: (level, block) => `up_blocks.${level}.resnets.${block}`,
  upsample: level => `up_blocks.${level}.upsamplers.0.conv`,
};

const layouts: Readonly<Record<AutoencoderLayout, LayoutNames>> = {
  diffusers,
  'diffusers-2023': { ...diffusers, attentionParts: ['query', 'key', 'value', 'proj_attn'] },
  original: {
    shortcut: 'nin_shortcut',
    midBlock: index => `mid.block_${index + 1}`,
    attention: 'mid.attn_1',
    attentionNorm: 'norm',
    attentionParts: ['q', 'k', 'v', 'proj_out'],
    normOut: 'norm_out',
    encoderBlock: (level, block) => `down.${level}.block.${block}`,
    downsample: level => `down.${level}.downsample.conv`,
    // The original numbers the decoder's levels from the highest resolution.
    decoderBlock: (level, block, levels) => `up.${levels - 1 - level}.block.${block}`,
    upsample: (level, levels) => `up.${levels - 1 - level}.upsample.conv`,
  },
};

/** The layout of a checkpoint with these tensor names. */
export function autoencoderLayoutOf(names: Iterable<string>): AutoencoderLayout {
  const all = [...names];
  if (all.some(name => name.startsWith('encoder.down.'))) return 'original';
  return all.some(name => name.endsWith('.proj_attn.weight')) ? 'diffusers-2023' : 'diffusers';
}

/** Rules for a checkpoint of the given layout. Unneeded rules (shortcuts that are not there) do no harm. */
export function autoencoderRules(config: AutoencoderConfig, layout: AutoencoderLayout): NameRule[] {
  const names = layouts[layout];
  const levels = Array.from(config.channelMultipliers.keys());
  const count = levels.length;

  const block = (ours: string, theirs: string): NameRule[] => [
    ...['norm1', 'conv1', 'norm2', 'conv2'].flatMap(part => weightAndBias(`${ours}.${part}`, `${theirs}.${part}`)),
    ...weightAndBias(`${ours}.shortcut`, `${theirs}.${names.shortcut}`),
  ];
  const blocks = (ours: string, theirs: (index: number) => string, length: number): NameRule[] =>
    Array.from({ length }, (_, i) => block(`${ours}.blocks.${i}`, theirs(i))).flat();
  const middle = (part: 'encoder' | 'decoder'): NameRule[] => {
    const [ours, theirs] = [`${part}.mid`, `${part}.${names.attention}`];
    const [query, key, value, proj] = names.attentionParts;
    return [
      ...block(`${ours}.block1`, `${part}.${names.midBlock(0)}`),
      ...block(`${ours}.block2`, `${part}.${names.midBlock(1)}`),
      ...weightAndBias(`${ours}.attention.norm`, `${theirs}.${names.attentionNorm}`),
      ...fusedLinear(
        `${ours}.attention.qkv`,
        [query, key, value].map(name => `${theirs}.${name}`),
      ),
      ...linear(`${ours}.attention.proj`, `${theirs}.${proj}`),
    ];
  };
  const ends = (part: 'encoder' | 'decoder'): NameRule[] => [
    ...weightAndBias(`${part}.convIn`, `${part}.conv_in`),
    ...weightAndBias(`${part}.normOut`, `${part}.${names.normOut}`),
    ...weightAndBias(`${part}.convOut`, `${part}.conv_out`),
  ];
  return [
    ...ends('encoder'),
    ...levels.flatMap(level => [
      ...blocks(`encoder.levels.${level}`, i => `encoder.${names.encoderBlock(level, i)}`, config.blocksPerLevel),
      ...weightAndBias(`encoder.levels.${level}.downsample`, `encoder.${names.downsample(level)}`),
    ]),
    ...middle('encoder'),
    ...weightAndBias('quantConv', 'quant_conv'),
    ...weightAndBias('postQuantConv', 'post_quant_conv'),
    ...ends('decoder'),
    ...middle('decoder'),
    ...levels.flatMap(level => [
      ...blocks(
        `decoder.levels.${level}`,
        i => `decoder.${names.decoderBlock(level, i, count)}`,
        config.blocksPerLevel + 1,
      ),
      ...weightAndBias(`decoder.levels.${level}.upsample`, `decoder.${names.upsample(level, count)}`),
    ]),
  ];
}
