/** OPT under the names of transformers' OPTForCausalLM, whose tensors are ours as they are. */
import Type from 'typebox';
import { DuetError } from '../../core/errors.ts';
import type { OptConfig } from '../../lm/index.ts';
import { activationNamed } from './activations.ts';
import { layerCount, orNull, readFields } from './config-file.ts';
import { type NameRule, weightAndBias } from './name-map.ts';

const size = Type.Integer({ minimum: 1 });

/** Absent fields have transformers' defaults. */
const configSchema = Type.Object({
  vocab_size: Type.Optional(size),
  hidden_size: Type.Optional(size),
  ffn_dim: Type.Optional(size),
  num_hidden_layers: Type.Optional(layerCount),
  num_attention_heads: Type.Optional(size),
  max_position_embeddings: Type.Optional(size),
  word_embed_proj_dim: orNull(size),
  activation_function: Type.Optional(Type.String()),
  do_layer_norm_before: Type.Optional(Type.Boolean()),
  enable_bias: Type.Optional(Type.Boolean()),
  layer_norm_elementwise_affine: Type.Optional(Type.Boolean()),
  _remove_final_layer_norm: Type.Optional(Type.Boolean()),
  tie_word_embeddings: orNull(Type.Boolean()),
});

const activations = { relu: 'relu', gelu: 'erf', gelu_new: 'tanh' } as const;

/** What no published OPT has otherwise. */
const fixed = {
  enable_bias: true,
  layer_norm_elementwise_affine: true,
  _remove_final_layer_norm: false,
} as const;

/**
 * @param file a parsed config.json, whatever it is
 * @param origin its path, for messages
 * @throws DuetError `invalid-config` that names the field
 */
export function optConfigFrom(file: unknown, origin: string): OptConfig {
  const json = readFields(configSchema, file, origin);
  const fail = (message: string): never => {
    throw new DuetError('invalid-config', `${origin}: ${message}`);
  };
  for (const [name, value] of Object.entries(fixed) as [keyof typeof fixed, boolean][]) {
    if ((json[name] ?? value) !== value) fail(`${name} other than ${value} is not built`);
  }
  const { hidden_size: width = 768, activation_function: named = 'relu' } = json;
  const activation = activationNamed(activations, named);
  if (!activation)
    return fail(`activation_function must be one of ${Object.keys(activations).join(', ')}, got ${named}`);
  const { num_attention_heads: heads = 12 } = json;
  if (width % heads !== 0) fail(`num_attention_heads must divide hidden_size ${width}, got ${heads}`);
  const embeddingWidth = json.word_embed_proj_dim ?? width;
  return {
    vocabularySize: json.vocab_size ?? 50_272,
    positions: json.max_position_embeddings ?? 2048,
    width,
    layers: json.num_hidden_layers ?? 12,
    heads,
    mlpWidth: json.ffn_dim ?? 3072,
    activation,
    order: json.do_layer_norm_before === false ? 'post' : 'pre',
    ...(embeddingWidth !== width && { embeddingWidth }),
    tied: json.tie_word_embeddings ?? true,
  };
}

/** @param prefix of all names, in files that hold other networks as well */
export function optRules({ layers }: Pick<OptConfig, 'layers'>, prefix = ''): NameRule[] {
  const decoder = `${prefix}model.decoder`;
  const layer = (ours: string, theirs: string): NameRule[] => [
    ...weightAndBias(`${ours}.norm1`, `${theirs}.self_attn_layer_norm`),
    ...weightAndBias(`${ours}.attention.query`, `${theirs}.self_attn.q_proj`),
    ...weightAndBias(`${ours}.attention.key`, `${theirs}.self_attn.k_proj`),
    ...weightAndBias(`${ours}.attention.value`, `${theirs}.self_attn.v_proj`),
    ...weightAndBias(`${ours}.attention.out`, `${theirs}.self_attn.out_proj`),
    ...weightAndBias(`${ours}.norm2`, `${theirs}.final_layer_norm`),
    ...weightAndBias(`${ours}.mlp.fc1`, `${theirs}.fc1`),
    ...weightAndBias(`${ours}.mlp.fc2`, `${theirs}.fc2`),
  ];
  return [
    { ours: 'tokenEmbedding.weight', theirs: `${decoder}.embed_tokens.weight` },
    { ours: 'positionEmbedding.weight', theirs: `${decoder}.embed_positions.weight` },
    { ours: 'projectIn.weight', theirs: `${decoder}.project_in.weight` },
    ...Array.from({ length: layers }, (_, index) => layer(`layers.${index}`, `${decoder}.layers.${index}`)).flat(),
    ...weightAndBias('finalNorm', `${decoder}.final_layer_norm`),
    { ours: 'projectOut.weight', theirs: `${decoder}.project_out.weight` },
    { ours: 'head.weight', theirs: `${prefix}lm_head.weight` },
  ];
}
