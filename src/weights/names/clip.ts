/** CLIP under Hugging Face's names (spec clip-gpt2-llama, 1.6); linear weights there are [out, in]. */
import type { ClipTextConfig, ClipVisionConfig } from '../../clip/index.ts';
import { DuetError } from '../../core/errors.ts';
import { type NameRule, transposeLinear } from './name-map.ts';

interface ForeignTower {
  readonly hidden_size: number;
  readonly intermediate_size: number;
  readonly num_hidden_layers: number;
  readonly num_attention_heads: number;
  readonly hidden_act: string;
  readonly layer_norm_eps: number;
  readonly projection_dim?: number;
}

export interface ForeignClipText extends ForeignTower {
  readonly vocab_size: number;
  readonly max_position_embeddings: number;
  readonly eos_token_id: number;
}

export interface ForeignClipVision extends ForeignTower {
  readonly image_size: number;
  readonly patch_size: number;
  readonly num_channels: number;
}

/** Names of activations in transformers' configs. */
const activations: Readonly<Record<string, ClipTextConfig['activation']>> = {
  quick_gelu: 'quick',
  gelu: 'erf',
  gelu_new: 'tanh',
  gelu_pytorch_tanh: 'tanh',
};

/** Our name of a transformers activation. Throws DuetError `invalid-config` for one that is not built. */
export function activationOf(name: string): ClipTextConfig['activation'] {
  const activation = activations[name];
  if (activation) return activation;
  throw new DuetError('invalid-config', `Activation "${name}" is not one of ${Object.keys(activations).join(', ')}`);
}

function towerOf(config: ForeignTower, projection: boolean) {
  return {
    width: config.hidden_size,
    layers: config.num_hidden_layers,
    heads: config.num_attention_heads,
    mlpWidth: config.intermediate_size,
    activation: activationOf(config.hidden_act),
    epsilon: config.layer_norm_eps,
    ...(projection && config.projection_dim !== undefined && { projection: config.projection_dim }),
  };
}

/** @param projection whether the checkpoint holds `text_projection.weight`: configs name a width even without one */
export function clipTextConfigFrom(config: ForeignClipText, projection: boolean): ClipTextConfig {
  return {
    ...towerOf(config, projection),
    vocabularySize: config.vocab_size,
    positions: config.max_position_embeddings,
  };
}

/** The pooling rule that a text config stands for: eos_token_id 2 marks old configs, which pool at the largest id. */
export function endOfTextRuleFrom(config: ForeignClipText) {
  return config.eos_token_id === 2 ? ('largest-id' as const) : { endId: config.eos_token_id };
}

export function clipVisionConfigFrom(config: ForeignClipVision, projection: boolean): ClipVisionConfig {
  return {
    ...towerOf(config, projection),
    imageSize: config.image_size,
    patchSize: config.patch_size,
    channels: config.num_channels,
  };
}

const normRules = (ours: string, theirs: string): NameRule[] => [
  { ours: `${ours}.weight`, theirs: `${theirs}.weight` },
  { ours: `${ours}.bias`, theirs: `${theirs}.bias` },
];

const linearRules = (ours: string, theirs: string): NameRule[] => [
  { ours: `${ours}.weight`, theirs: `${theirs}.weight`, transform: transposeLinear },
  { ours: `${ours}.bias`, theirs: `${theirs}.bias` },
];

function layerRules(layers: number, prefix: string): NameRule[] {
  return Array.from({ length: layers }, (_, index) => {
    const [ours, theirs] = [`layers.${index}`, `${prefix}encoder.layers.${index}`];
    return [
      ...normRules(`${ours}.norm1`, `${theirs}.layer_norm1`),
      ...linearRules(`${ours}.attention.query`, `${theirs}.self_attn.q_proj`),
      ...linearRules(`${ours}.attention.key`, `${theirs}.self_attn.k_proj`),
      ...linearRules(`${ours}.attention.value`, `${theirs}.self_attn.v_proj`),
      ...linearRules(`${ours}.attention.out`, `${theirs}.self_attn.out_proj`),
      ...normRules(`${ours}.norm2`, `${theirs}.layer_norm2`),
      ...linearRules(`${ours}.mlp.fc1`, `${theirs}.mlp.fc1`),
      ...linearRules(`${ours}.mlp.fc2`, `${theirs}.mlp.fc2`),
    ];
  }).flat();
}

const projectionRules = (theirs: string): NameRule[] => [
  { ours: 'projection.weight', theirs, transform: transposeLinear },
];

/** @param prefix newer libraries write plain text encoders without `text_model.` */
export function clipTextRules(config: ClipTextConfig, prefix = 'text_model.'): NameRule[] {
  return [
    { ours: 'tokenEmbedding.weight', theirs: `${prefix}embeddings.token_embedding.weight` },
    { ours: 'positionEmbedding.weight', theirs: `${prefix}embeddings.position_embedding.weight` },
    ...layerRules(config.layers, prefix),
    ...normRules('finalNorm', `${prefix}final_layer_norm`),
    ...(config.projection === undefined ? [] : projectionRules('text_projection.weight')),
  ];
}

export function clipVisionRules(config: ClipVisionConfig, prefix = 'vision_model.'): NameRule[] {
  return [
    { ours: 'classEmbedding', theirs: `${prefix}embeddings.class_embedding` },
    {
      ours: 'patchEmbedding.weight',
      theirs: `${prefix}embeddings.patch_embedding.weight`,
      transform: transposeLinear,
    },
    { ours: 'positionEmbedding.weight', theirs: `${prefix}embeddings.position_embedding.weight` },
    ...normRules('preNorm', `${prefix}pre_layrnorm`),
    ...layerRules(config.layers, prefix),
    ...normRules('postNorm', `${prefix}post_layernorm`),
    ...(config.projection === undefined ? [] : projectionRules('visual_projection.weight')),
  ];
}
