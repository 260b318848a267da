/** The U-Net of latent diffusion under diffusers' names (UNet2DConditionModel). */
import Type, { type Static } from 'typebox';
import { DuetError } from '../../core/errors.ts';
import type { UnetConfig, UnetLevel } from '../../unet/index.ts';
import { linear, type NameRule, transposeLinear, weightAndBias } from './name-map.ts';

const whole = Type.Integer({ minimum: 1 });
const flag = Type.Boolean();
/** Fields that may be null are absent then. */
const orNull = <S extends Parameters<typeof Type.Optional>[0]>(schema: S) =>
  Type.Optional(Type.Union([schema, Type.Null()]));
const perLevel = Type.Union([whole, Type.Array(whole)]);

/** The unet/config.json of a diffusers folder, as far as it matters; absent fields have diffusers' defaults. */
export const diffusersUnetSchema = Type.Object({
  sample_size: orNull(Type.Union([whole, Type.Array(whole)])),
  in_channels: Type.Optional(whole),
  out_channels: Type.Optional(whole),
  center_input_sample: orNull(flag),
  flip_sin_to_cos: orNull(flag),
  freq_shift: orNull(Type.Number()),
  down_block_types: Type.Optional(Type.Array(Type.String(), { minItems: 1 })),
  mid_block_type: orNull(Type.String()),
  up_block_types: Type.Optional(Type.Array(Type.String(), { minItems: 1 })),
  only_cross_attention: orNull(Type.Union([flag, Type.Array(flag)])),
  block_out_channels: Type.Optional(Type.Array(whole, { minItems: 1 })),
  layers_per_block: Type.Optional(perLevel),
  downsample_padding: orNull(Type.Integer()),
  mid_block_scale_factor: orNull(Type.Number({ exclusiveMinimum: 0 })),
  act_fn: orNull(Type.String()),
  norm_num_groups: orNull(whole),
  norm_eps: orNull(Type.Number({ exclusiveMinimum: 0 })),
  cross_attention_dim: orNull(perLevel),
  transformer_layers_per_block: orNull(perLevel),
  attention_head_dim: orNull(perLevel),
  class_embed_type: orNull(Type.String()),
  num_class_embeds: orNull(whole),
  projection_class_embeddings_input_dim: orNull(whole),
  class_embeddings_concat: orNull(flag),
  resnet_time_scale_shift: orNull(Type.String()),
  time_embedding_dim: orNull(whole),
  time_cond_proj_dim: orNull(whole),
  conv_in_kernel: orNull(whole),
  conv_out_kernel: orNull(whole),
});
export type DiffusersUnet = Static<typeof diffusersUnetSchema>;

/** Options of diffusers that are not built, with the values at which they do nothing. */
const unbuilt: Readonly<Record<string, readonly unknown[]>> = {
  dual_cross_attention: [false],
  num_attention_heads: [],
  addition_embed_type: [],
  encoder_hid_dim: [],
  encoder_hid_dim_type: [],
  reverse_transformer_layers_per_block: [],
  resnet_skip_time_act: [false],
  time_embedding_type: ['positional'],
  time_embedding_act_fn: [],
  timestep_post_act: [],
  attention_type: ['default'],
  cross_attention_norm: [],
  act_fn: ['silu', 'swish'],
  resnet_time_scale_shift: ['default', 'scale_shift'],
  downsample_padding: [0, 1],
  mid_block_only_cross_attention: [false],
};

const attentionOf: Readonly<Record<string, UnetLevel['down']>> = {
  DownBlock2D: 'none',
  UpBlock2D: 'none',
  AttnDownBlock2D: 'self',
  AttnUpBlock2D: 'self',
  CrossAttnDownBlock2D: 'cross',
  CrossAttnUpBlock2D: 'cross',
};

const midOf: Readonly<Record<string, UnetConfig['mid']>> = {
  UNetMidBlock2DCrossAttn: 'cross',
  UNetMidBlock2D: 'block',
};

/**
 * Our configuration of a network of diffusers.
 * `attention_head_dim` is the number of heads of a transformer, but the features of a head of plain self-attention: a
 * mistake of old that published files depend on.
 * @throws DuetError `invalid-config` naming the first option that is not built, or that does not fit the others
 */
export function unetConfigFromDiffusers(config: DiffusersUnet): UnetConfig {
  refuseUnbuilt(config);
  const {
    block_out_channels: widths = [320, 640, 1280, 1280],
    down_block_types: down = [...new Array<string>(3).fill('CrossAttnDownBlock2D'), 'DownBlock2D'],
    up_block_types: up = ['UpBlock2D', ...new Array<string>(3).fill('CrossAttnUpBlock2D')],
    mid_block_type: midType = 'UNetMidBlock2DCrossAttn',
  } = config;
  const count = widths.length;
  const each = <T>(name: string, value: T | readonly T[]): readonly T[] => {
    const list = Array.isArray(value) ? (value as readonly T[]) : Array.from({ length: count }, () => value as T);
    if (list.length === count) return list;
    throw new DuetError('invalid-config', `${name} must have ${count} entries, one for each level, got ${list.length}`);
  };
  const onlyContext = each('only_cross_attention', config.only_cross_attention ?? false);
  const kinds = (name: string, types: readonly string[]) =>
    each(name, types).map(type => lookUp(attentionOf, name, type));
  const withContext = (kind: UnetLevel['down'], level: number) =>
    kind === 'cross' && onlyContext[level] ? ('cross-only' as const) : kind;
  const downKinds = kinds('down_block_types', down).map(withContext);
  const upKinds = kinds('up_block_types', up).toReversed().map(withContext);
  const mid = midType === null ? 'none' : lookUp(midOf, 'mid_block_type', midType);
  const blocks = each('layers_per_block', config.layers_per_block ?? 2);
  const layers = each('transformer_layers_per_block', config.transformer_layers_per_block ?? 1);
  const heads = each('attention_head_dim', config.attention_head_dim ?? 8);
  const levels = widths.map((width, level): UnetLevel => {
    const own = [downKinds[level]!, upKinds[level]!, ...(level === count - 1 ? [mid] : [])];
    return {
      width,
      blocks: blocks[level]!,
      down: downKinds[level]!,
      up: upKinds[level]!,
      heads: headsOf(own, width, heads[level]!, level),
      layers: layers[level]!,
    };
  });
  return { ...trunkOf(config), levels, mid, ...classOf(config) };
}

/** What does not go by levels. */
function trunkOf(config: DiffusersUnet): Omit<UnetConfig, 'levels' | 'mid'> {
  const contextWidths = [...new Set([config.cross_attention_dim ?? 1280].flat())];
  if (contextWidths.length > 1) {
    throw new DuetError('invalid-config', `cross_attention_dim must be the same at all levels, got ${contextWidths}`);
  }
  if (config.norm_num_groups === null) {
    throw new DuetError('invalid-config', 'norm_num_groups null (no normalisation of the output) is not built');
  }
  return {
    inChannels: config.in_channels ?? 4,
    outChannels: config.out_channels ?? 4,
    contextWidth: contextWidths[0]!,
    normGroups: config.norm_num_groups ?? 32,
    normEpsilon: config.norm_eps ?? 1e-5,
    cosineFirst: config.flip_sin_to_cos ?? true,
    frequencyShift: config.freq_shift ?? 0,
    midScale: config.mid_block_scale_factor ?? 1,
    downsamplePad: config.downsample_padding === 0 ? 'end' : 'around',
    conditioning: config.resnet_time_scale_shift === 'scale_shift' ? 'scale-shift' : 'add',
    inKernel: config.conv_in_kernel ?? 3,
    outKernel: config.conv_out_kernel ?? 3,
    centerInput: config.center_input_sample ?? false,
    ...(config.time_embedding_dim && { timeWidth: config.time_embedding_dim }),
    ...(config.time_cond_proj_dim && { guidanceWidth: config.time_cond_proj_dim }),
  };
}

function headsOf(kinds: readonly string[], width: number, given: number, level: number): number {
  const counts = new Set(
    kinds.flatMap(kind => (kind === 'none' || kind === 'block' ? [] : [kind === 'self' ? width / given : given])),
  );
  if (counts.size <= 1) return [...counts][0] ?? 1;
  throw new DuetError(
    'invalid-config',
    `Level ${level} has attention of both kinds with ${[...counts].join(' and ')} heads; only one number is built`,
  );
}

function classOf(config: DiffusersUnet): Pick<UnetConfig, 'class' | 'classJoin'> {
  const {
    class_embed_type: type,
    num_class_embeds: labels,
    projection_class_embeddings_input_dim: inputs,
    class_embeddings_concat: concat,
    block_out_channels: widths = [320],
  } = config;
  const join = concat ? { classJoin: 'concat' as const } : {};
  const features = (width: number | null | undefined, map: 'identity' | 'linear' | 'mlp') => {
    if (width) return { class: { kind: 'features', width, map } as const, ...join };
    throw new DuetError(
      'invalid-config',
      `class_embed_type "${type}" needs projection_class_embeddings_input_dim, which is missing`,
    );
  };
  switch (type ?? undefined) {
    case undefined:
      return labels ? { class: { kind: 'labels', count: labels }, ...join } : {};
    case 'timestep':
      return { class: { kind: 'timestep' }, ...join };
    case 'identity':
      return features(config.time_embedding_dim ?? 4 * widths[0]!, 'identity');
    case 'projection':
      return features(inputs, 'mlp');
    case 'simple_projection':
      return features(inputs, 'linear');
    default:
      throw notBuilt('class_embed_type', type, ['timestep', 'identity', 'projection', 'simple_projection']);
  }
}

function lookUp<T>(table: Readonly<Record<string, T>>, name: string, value: string): T {
  if (Object.hasOwn(table, value)) return table[value]!;
  throw notBuilt(name, value, Object.keys(table));
}

function refuseUnbuilt(config: Readonly<Record<string, unknown>>): void {
  for (const [name, harmless] of Object.entries(unbuilt)) {
    const value = config[name];
    if (value === undefined || value === null || harmless.includes(value)) continue;
    throw notBuilt(name, value, harmless);
  }
}

function notBuilt(name: string, value: unknown, allowed: readonly unknown[]): DuetError {
  const others = allowed.length > 0 ? `one of ${allowed.join(', ')}` : 'absent';
  return new DuetError('invalid-config', `${name} ${JSON.stringify(value)} is not built; it must be ${others}`);
}

const matrix = (ours: string, theirs: string): NameRule => ({
  ours: `${ours}.weight`,
  theirs: `${theirs}.weight`,
  transform: transposeLinear,
});

function residualRules(ours: string, theirs: string): NameRule[] {
  return [
    ...['norm1', 'conv1', 'norm2', 'conv2'].flatMap(part => weightAndBias(`${ours}.${part}`, `${theirs}.${part}`)),
    ...linear(`${ours}.time`, `${theirs}.time_emb_proj`),
    ...weightAndBias(`${ours}.shortcut`, `${theirs}.conv_shortcut`),
  ];
}

/** Query, key, value and the projection of what they give. */
function attentionRules(ours: string, theirs: string, bias: boolean): NameRule[] {
  const parts = [
    ['query', 'to_q'],
    ['key', 'to_k'],
    ['value', 'to_v'],
  ] as const;
  return [
    ...parts.flatMap(([own, their]) => {
      const [left, right] = [`${ours}.${own}`, `${theirs}.${their}`];
      return bias ? linear(left, right) : [matrix(left, right)];
    }),
    ...linear(`${ours}.out`, `${theirs}.to_out.0`),
  ];
}

function transformerRules(ours: string, theirs: string, layers: number): NameRule[] {
  return [
    ...weightAndBias(`${ours}.norm`, `${theirs}.norm`),
    ...linear(`${ours}.projIn`, `${theirs}.proj_in`),
    ...linear(`${ours}.projOut`, `${theirs}.proj_out`),
    ...Array.from({ length: layers }, (_, i) => {
      const [left, right] = [`${ours}.layers.${i}`, `${theirs}.transformer_blocks.${i}`];
      return [
        ...['norm1', 'norm2', 'norm3'].flatMap(norm => weightAndBias(`${left}.${norm}`, `${right}.${norm}`)),
        ...attentionRules(`${left}.attn1`, `${right}.attn1`, false),
        ...attentionRules(`${left}.attn2`, `${right}.attn2`, false),
        ...linear(`${left}.mlp.fc1`, `${right}.ff.net.0.proj`),
        ...linear(`${left}.mlp.fc2`, `${right}.ff.net.2`),
      ];
    }).flat(),
  ];
}

/** Block `index` of ours; both kinds of attention, of which unneeded rules do no harm. */
function blockRules(ours: string, theirs: string, index: number, layers: number): NameRule[] {
  const attention = `${theirs}.attentions.${index}`;
  return [
    ...residualRules(`${ours}.residual`, `${theirs}.resnets.${index}`),
    ...transformerRules(`${ours}.transformer`, attention, layers),
    ...weightAndBias(`${ours}.attention.norm`, `${attention}.group_norm`),
    ...attentionRules(`${ours}.attention`, attention, true),
  ];
}

/** Rules for diffusers' UNet2DConditionModel. */
export function unetRules(config: UnetConfig): NameRule[] {
  const { levels } = config;
  const mlp = (ours: string, theirs: string): NameRule[] => [
    ...linear(`${ours}.fc1`, `${theirs}.linear_1`),
    ...linear(`${ours}.fc2`, `${theirs}.linear_2`),
  ];
  const way = (name: 'down' | 'up', { blocks, layers = 1 }: UnetLevel, i: number): NameRule[] => [
    ...Array.from({ length: name === 'up' ? blocks + 1 : blocks }, (_, k) =>
      blockRules(`${name}.${i}.blocks.${k}`, `${name}_blocks.${i}`, k, layers),
    ).flat(),
    ...weightAndBias(`${name}.${i}.${name}sample`, `${name}_blocks.${i}.${name}samplers.0.conv`),
  ];
  return [
    ...weightAndBias('convIn', 'conv_in'),
    ...mlp('conditioning.timeMlp', 'time_embedding'),
    matrix('conditioning.guidance', 'time_embedding.cond_proj'),
    { ours: 'conditioning.classLabels.weight', theirs: 'class_embedding.weight' },
    ...mlp('conditioning.classMlp', 'class_embedding'),
    ...linear('conditioning.classLinear', 'class_embedding'),
    ...levels.flatMap((level, i) => way('down', level, i)),
    ...[0, 1].flatMap(k => blockRules(`mid.${k}`, 'mid_block', k, levels.at(-1)!.layers ?? 1)),
    ...levels.toReversed().flatMap((level, i) => way('up', level, i)),
    ...weightAndBias('normOut', 'conv_norm_out'),
    ...weightAndBias('convOut', 'conv_out'),
  ];
}
