/** The KL autoencoder under other names: the original (CompVis) state dict and diffusers' AutoencoderKL. */
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

/** The vae/config.json of a diffusers folder, as far as it matters. */
export interface DiffusersAutoencoder {
  readonly in_channels: number;
  readonly latent_channels: number;
  readonly block_out_channels: readonly number[];
  readonly layers_per_block: number;
  readonly norm_num_groups?: number;
  readonly mid_block_add_attention?: boolean;
}

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

export function autoencoderConfigFromDiffusers(config: DiffusersAutoencoder): AutoencoderConfig {
  const channels = config.block_out_channels[0]!;
  return {
    inChannels: config.in_channels,
    latentChannels: config.latent_channels,
    channels,
    channelMultipliers: config.block_out_channels.map(width => width / channels),
    blocksPerLevel: config.layers_per_block,
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
