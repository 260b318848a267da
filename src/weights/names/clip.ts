/** CLIP under the names of transformers' CLIPModel; linear weights there are [out, in]. */
import Type, { type Static } from 'typebox';
import type { ClipTextConfig, ClipVisionConfig } from '../../clip/index.ts';
import { DuetError } from '../../core/errors.ts';
import { activationNamed, geluNames } from './activations.ts';
import { linear, type NameRule, transposeLinear, weightAndBias } from './name-map.ts';

const size = Type.Optional(Type.Integer({ minimum: 1 }));
/** A tower's part of a config.json; absent fields have transformers' defaults, which it leaves out of the files it writes. */
const tower = {
  hidden_size: size,
  intermediate_size: size,
  num_hidden_layers: size,
  num_attention_heads: size,
  hidden_act: Type.Optional(Type.String()),
  layer_norm_eps: Type.Optional(Type.Number({ exclusiveMinimum: 0 })),
  projection_dim: size,
};
const towerSchema = Type.Object(tower);
type HuggingFaceTower = Static<typeof towerSchema>;

/** The config.json of a text encoder alone, or its part of a full checkpoint's. */
export const huggingFaceClipTextSchema = Type.Object({
  ...tower,
  vocab_size: size,
  max_position_embeddings: size,
  eos_token_id: Type.Optional(Type.Integer()),
});
export type HuggingFaceClipText = Static<typeof huggingFaceClipTextSchema>;

export interface HuggingFaceClipVision extends HuggingFaceTower {
  readonly image_size?: number;
  readonly patch_size?: number;
  readonly num_channels?: number;
}

/** The config.json of a full CLIP checkpoint. */
export interface HuggingFaceClip {
  readonly text_config?: HuggingFaceClipText;
  readonly vision_config?: HuggingFaceClipVision;
  /** Present in files of older conversions; it then replaces `text_config`. */
  readonly text_config_dict?: HuggingFaceClipText | null;
  readonly vision_config_dict?: HuggingFaceClipVision | null;
  /** The width of both projections; those inside the towers' configs mean nothing. */
  readonly projection_dim?: number;
}

/** The towers' configs of a full checkpoint, each as the config of that tower alone. */
export function clipTowersFrom(config: HuggingFaceClip): {
  readonly text: HuggingFaceClipText;
  readonly vision: HuggingFaceClipVision;
} {
  const text = config.text_config_dict ?? config.text_config ?? {};
  const vision = config.vision_config_dict ?? config.vision_config ?? {};
  const projection = { projection_dim: config.projection_dim ?? PROJECTION };
  return { text: { ...text, ...projection }, vision: { ...vision, ...projection } };
}

/** transformers' default width of projections. */
const PROJECTION = 512;

/** Our name of a transformers activation. Throws DuetError `invalid-config` for one that is not built. */
export function activationOf(name: string): ClipTextConfig['activation'] {
  const activation = activationNamed(geluNames, name);
  if (activation) return activation;
  throw new DuetError('invalid-config', `Activation "${name}" is not one of ${Object.keys(geluNames).join(', ')}`);
}

function towerOf(config: HuggingFaceTower, defaults: Pick<ClipTextConfig, 'width' | 'heads'>, projection: boolean) {
  const { hidden_size: width = defaults.width, layer_norm_eps: epsilon = 1e-5 } = config;
  return {
    width,
    layers: config.num_hidden_layers ?? 12,
    heads: config.num_attention_heads ?? defaults.heads,
    mlpWidth: config.intermediate_size ?? 4 * defaults.width,
    activation: activationOf(config.hidden_act ?? 'quick_gelu'),
    epsilon,
    ...(projection && { projection: config.projection_dim ?? PROJECTION }),
  };
}

/** @param projection whether the checkpoint holds `text_projection.weight`: configs name a width even without one */
export function clipTextConfigFrom(config: HuggingFaceClipText, projection: boolean): ClipTextConfig {
  return {
    ...towerOf(config, { width: 512, heads: 8 }, projection),
    vocabularySize: config.vocab_size ?? 49_408,
    positions: config.max_position_embeddings ?? 77,
  };
}

/** The pooling rule that a text config stands for: eos_token_id 2 marks old configs, which pool at the largest id. */
export function endOfTextRuleFrom({ eos_token_id: endId = 49_407 }: HuggingFaceClipText) {
  return endId === 2 ? ('largest-id' as const) : { endId };
}

/** @param projection whether the checkpoint holds `visual_projection.weight` */
export function clipVisionConfigFrom(config: HuggingFaceClipVision, projection: boolean): ClipVisionConfig {
  return {
    ...towerOf(config, { width: 768, heads: 12 }, projection),
    imageSize: config.image_size ?? 224,
    patchSize: config.patch_size ?? 32,
    channels: config.num_channels ?? 3,
  };
}

function layerRules(layers: number, prefix: string): NameRule[] {
  return Array.from({ length: layers }, (_, index) => {
    const [ours, theirs] = [`layers.${index}`, `${prefix}encoder.layers.${index}`];
    return [
      ...weightAndBias(`${ours}.norm1`, `${theirs}.layer_norm1`),
      ...linear(`${ours}.attention.query`, `${theirs}.self_attn.q_proj`),
      ...linear(`${ours}.attention.key`, `${theirs}.self_attn.k_proj`),
      ...linear(`${ours}.attention.value`, `${theirs}.self_attn.v_proj`),
      ...linear(`${ours}.attention.out`, `${theirs}.self_attn.out_proj`),
      ...weightAndBias(`${ours}.norm2`, `${theirs}.layer_norm2`),
      ...linear(`${ours}.mlp.fc1`, `${theirs}.mlp.fc1`),
      ...linear(`${ours}.mlp.fc2`, `${theirs}.mlp.fc2`),
    ];
  }).flat();
}

const projectionRules = (theirs: string): NameRule[] => [
  { ours: 'projection.weight', theirs, transform: transposeLinear },
];

/** What the names of a text encoder alone begin with: newer libraries leave out `text_model.`. */
export function clipTextPrefixOf(names: readonly string[]): '' | 'text_model.' {
  return names.some(name => name.startsWith('text_model.')) ? 'text_model.' : '';
}

/** @param prefix newer libraries write plain text encoders without `text_model.` */
export function clipTextRules(config: ClipTextConfig, prefix = 'text_model.'): NameRule[] {
  return [
    { ours: 'tokenEmbedding.weight', theirs: `${prefix}embeddings.token_embedding.weight` },
    { ours: 'positionEmbedding.weight', theirs: `${prefix}embeddings.position_embedding.weight` },
    ...layerRules(config.layers, prefix),
    ...weightAndBias('finalNorm', `${prefix}final_layer_norm`),
    ...(config.projection === undefined ? [] : projectionRules('text_projection.weight')),
  ];
}

export function clipVisionRules(
  config: Pick<ClipVisionConfig, 'layers' | 'projection'>,
  prefix = 'vision_model.',
): NameRule[] {
  return [
    { ours: 'classEmbedding', theirs: `${prefix}embeddings.class_embedding` },
    {
      ours: 'patchEmbedding.weight',
      theirs: `${prefix}embeddings.patch_embedding.weight`,
      transform: transposeLinear,
    },
    { ours: 'positionEmbedding.weight', theirs: `${prefix}embeddings.position_embedding.weight` },
    ...weightAndBias('preNorm', `${prefix}pre_layrnorm`),
    ...layerRules(config.layers, prefix),
    ...weightAndBias('postNorm', `${prefix}post_layernorm`),
    ...(config.projection === undefined ? [] : projectionRules('visual_projection.weight')),
  ];
}
