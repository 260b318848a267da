/** Llama under the names of transformers' LlamaForCausalLM, whose tensors are ours as they are. */
import Type from 'typebox';
import { DuetError } from '../../core/errors.ts';
import type { LlamaConfig } from '../../lm/index.ts';
import { activationNamed, activationNameOf, activationNames } from './activations.ts';
import { layerCount, orNull, readFields } from './config-file.ts';
import type { NameRule } from './name-map.ts';

const size = Type.Integer({ minimum: 1 });
const number = Type.Number();

/** Fields of `rope_scaling` (until transformers 4) and of `rope_parameters` (from 5 on), which holds the base as well. */
const ropeSchema = Type.Object({
  rope_theta: orNull(number),
  /** `type` in files of 2023. */
  rope_type: orNull(Type.String()),
  type: orNull(Type.String()),
  factor: orNull(number),
  low_freq_factor: orNull(number),
  high_freq_factor: orNull(number),
  original_max_position_embeddings: orNull(number),
  attention_factor: orNull(number),
  mscale: orNull(number),
  mscale_all_dim: orNull(number),
  beta_fast: orNull(number),
  beta_slow: orNull(number),
  truncate: orNull(Type.Boolean()),
  partial_rotary_factor: orNull(number),
});
type HuggingFaceRope = Type.Static<typeof ropeSchema>;

/** The fields of a config.json that are read; absent ones have transformers' defaults. */
const configSchema = Type.Object({
  model_type: orNull(Type.String()),
  vocab_size: Type.Optional(size),
  hidden_size: Type.Optional(size),
  intermediate_size: Type.Optional(size),
  num_hidden_layers: Type.Optional(layerCount),
  num_attention_heads: Type.Optional(size),
  num_key_value_heads: orNull(size),
  head_dim: orNull(size),
  hidden_act: orNull(Type.String()),
  max_position_embeddings: Type.Optional(size),
  rms_norm_eps: Type.Optional(Type.Number({ exclusiveMinimum: 0 })),
  tie_word_embeddings: orNull(Type.Boolean()),
  rope_theta: orNull(number),
  rope_scaling: orNull(ropeSchema),
  rope_parameters: orNull(ropeSchema),
  attention_bias: orNull(Type.Boolean()),
  mlp_bias: orNull(Type.Boolean()),
});
type HuggingFaceLlama = Type.Static<typeof configSchema>;

/**
 * @param file a parsed config.json of either generation, whatever it is
 * @param origin its path, for messages
 * @throws DuetError `invalid-config` that names the field
 */
export function llamaConfigFrom(file: unknown, origin: string): LlamaConfig {
  const json = readFields(configSchema, file, origin);
  const fail = (message: string): never => {
    throw new DuetError('invalid-config', `${origin}: ${message}`);
  };
  const { hidden_size: width = 4096, num_attention_heads: heads = 32, hidden_act, model_type } = json;
  if ((model_type ?? 'llama') !== 'llama') fail(`model_type must be llama, got ${JSON.stringify(model_type)}`);
  const keyValueHeads = json.num_key_value_heads ?? heads;
  const headWidth = json.head_dim ?? width / heads;
  if (headWidth % 2 !== 0)
    fail(`the width of a head must be an even number, got ${headWidth} (head_dim or hidden_size)`);
  if (heads % keyValueHeads !== 0) {
    fail(`num_attention_heads must be a multiple of num_key_value_heads, got ${heads} and ${keyValueHeads}`);
  }
  const activation = activationNamed(activationNames, hidden_act ?? 'silu');
  if (!activation)
    return fail(`hidden_act must be one of ${Object.keys(activationNames).join(', ')}, got ${hidden_act}`);
  const positions = json.max_position_embeddings ?? 2048;
  return {
    vocabularySize: json.vocab_size ?? 32_000,
    positions,
    width,
    layers: json.num_hidden_layers ?? 32,
    heads,
    keyValueHeads,
    headWidth,
    mlpWidth: json.intermediate_size ?? 11_008,
    activation,
    epsilon: json.rms_norm_eps ?? 1e-6,
    rope: ropeFrom(json, { positions, headWidth }, fail),
    tied: json.tie_word_embeddings ?? false,
    attentionBias: json.attention_bias ?? false,
    mlpBias: json.mlp_bias ?? false,
  };
}

/** {@link llamaConfigFrom} backwards, for models that are written here: without scaled positions. */
export function llamaConfigFile(config: Omit<LlamaConfig, 'rope'> & { readonly rope: { readonly base: number } }) {
  return {
    architectures: ['LlamaForCausalLM'],
    model_type: 'llama',
    vocab_size: config.vocabularySize,
    hidden_size: config.width,
    intermediate_size: config.mlpWidth,
    num_hidden_layers: config.layers,
    num_attention_heads: config.heads,
    num_key_value_heads: config.keyValueHeads,
    head_dim: config.headWidth,
    hidden_act: activationNameOf(activationNames, config.activation),
    max_position_embeddings: config.positions,
    rms_norm_eps: config.epsilon,
    rope_theta: config.rope.base,
    tie_word_embeddings: config.tied,
    attention_bias: config.attentionBias,
    mlp_bias: config.mlpBias,
  };
}

/** Both generations: `rope_parameters`, or `rope_theta` beside `rope_scaling`. */
function ropeFrom(
  config: HuggingFaceLlama,
  { positions, headWidth }: { readonly positions: number; readonly headWidth: number },
  fail: (message: string) => never,
): LlamaConfig['rope'] {
  const given: HuggingFaceRope = config.rope_parameters ?? config.rope_scaling ?? {};
  const base = given.rope_theta ?? config.rope_theta ?? 10_000;
  const kind = given.rope_type ?? given.type ?? 'default';
  const originalPositions = given.original_max_position_embeddings ?? positions;
  if (!(base > 1)) fail(`rope_theta must be above 1, got ${base}`);
  if ((given.partial_rotary_factor ?? 1) !== 1) fail('partial_rotary_factor other than 1 is not built');
  const needed = (name: 'factor' | 'low_freq_factor' | 'high_freq_factor'): number => {
    const value = given[name];
    if (typeof value === 'number' && (name === 'factor' ? value >= 1 : value > 0)) return value;
    return fail(
      `${name} of ${kind} rope scaling must be ${name === 'factor' ? 'at least 1' : 'above 0'}, got ${value}`,
    );
  };
  switch (kind) {
    case 'default':
      return { base };
    case 'linear':
      return { base, scaling: { kind, factor: needed('factor') } };
    case 'dynamic':
      if (headWidth === 2) fail('dynamic rope scaling needs heads wider than 2');
      return { base, scaling: { kind, factor: needed('factor'), originalPositions: positions } };
    case 'llama3': {
      const [lowFrequencyFactor, highFrequencyFactor] = [needed('low_freq_factor'), needed('high_freq_factor')];
      if (highFrequencyFactor <= lowFrequencyFactor) fail('high_freq_factor must be above low_freq_factor');
      const factor = needed('factor');
      return { base, scaling: { kind, factor, lowFrequencyFactor, highFrequencyFactor, originalPositions } };
    }
    case 'yarn': {
      const factor = given.factor ?? positions / originalPositions;
      if (!(factor >= 1)) fail(`factor of yarn rope scaling must be at least 1, got ${factor}`);
      const [fastTurns, slowTurns] = [given.beta_fast || 32, given.beta_slow || 1];
      const magnitude = given.attention_factor ?? yarnMagnitude(factor, given);
      const truncate = given.truncate ?? true;
      return { base, scaling: { kind, factor, originalPositions, fastTurns, slowTurns, truncate, magnitude } };
    }
    default:
      return fail(`rope scaling must be one of default, linear, dynamic, llama3, yarn, got ${JSON.stringify(kind)}`);
  }
}

/** Peng et al. 2023 (arXiv 2309.00071), section 3.4. */
function yarnMagnitude(factor: number, { mscale, mscale_all_dim: all }: HuggingFaceRope): number {
  const magnitude = (scale = 1) => (factor <= 1 ? 1 : 0.1 * scale * Math.log(factor) + 1);
  return mscale && all ? magnitude(mscale) / magnitude(all) : magnitude();
}

/** @param prefix of all names, in files that hold other networks as well */
export function llamaRules({ layers, tied, attentionBias, mlpBias }: LlamaConfig, prefix = ''): NameRule[] {
  const projections = (ours: string, theirs: string, bias: boolean): NameRule[] =>
    (bias ? ['weight', 'bias'] : ['weight']).map(kind => ({ ours: `${ours}.${kind}`, theirs: `${theirs}.${kind}` }));
  const layer = (index: number): NameRule[] => {
    const [ours, theirs] = [`layers.${index}`, `${prefix}model.layers.${index}`];
    const attention = { query: 'q_proj', key: 'k_proj', value: 'v_proj', out: 'o_proj' };
    const mlp = { gate: 'gate_proj', up: 'up_proj', down: 'down_proj' };
    return [
      { ours: `${ours}.norm1.weight`, theirs: `${theirs}.input_layernorm.weight` },
      ...Object.entries(attention).flatMap(([a, b]) =>
        projections(`${ours}.attention.${a}`, `${theirs}.self_attn.${b}`, attentionBias),
      ),
      { ours: `${ours}.norm2.weight`, theirs: `${theirs}.post_attention_layernorm.weight` },
      ...Object.entries(mlp).flatMap(([a, b]) => projections(`${ours}.mlp.${a}`, `${theirs}.mlp.${b}`, mlpBias)),
    ];
  };
  return [
    { ours: 'tokenEmbedding.weight', theirs: `${prefix}model.embed_tokens.weight` },
    ...Array.from({ length: layers }, (_, index) => layer(index)).flat(),
    { ours: 'finalNorm.weight', theirs: `${prefix}model.norm.weight` },
    ...(tied ? [] : [{ ours: 'head.weight', theirs: `${prefix}lm_head.weight` }]),
  ];
}
