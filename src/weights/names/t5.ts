/** T5 under the names of transformers' T5ForConditionalGeneration, whose tensors are ours as they are. */
import Type from 'typebox';
import { DuetError } from '../../core/errors.ts';
import type { T5Config } from '../../lm/index.ts';
import { activationNamed, activationNames } from './activations.ts';
import { layerCount, orNull, readFields } from './config-file.ts';
import type { NameRule } from './name-map.ts';

const size = Type.Integer({ minimum: 1 });
const id = Type.Integer({ minimum: 0 });
const flag = orNull(Type.Boolean());

/** Absent fields have transformers' defaults. */
const configSchema = Type.Object({
  vocab_size: Type.Optional(size),
  d_model: Type.Optional(size),
  d_kv: Type.Optional(size),
  d_ff: Type.Optional(size),
  num_layers: Type.Optional(layerCount),
  num_decoder_layers: orNull(layerCount),
  num_heads: Type.Optional(size),
  relative_attention_num_buckets: Type.Optional(Type.Integer({ minimum: 4 })),
  relative_attention_max_distance: Type.Optional(Type.Integer({ minimum: 1, maximum: 100_000 })),
  layer_norm_epsilon: Type.Optional(Type.Number({ exclusiveMinimum: 0 })),
  feed_forward_proj: Type.Optional(Type.String()),
  /** What transformers made of `feed_forward_proj`, unless somebody said otherwise: BLIP-2 did. */
  dense_act_fn: orNull(Type.String()),
  is_gated_act: flag,
  tie_word_embeddings: flag,
  scale_decoder_outputs: flag,
  decoder_start_token_id: orNull(id),
  pad_token_id: orNull(id),
});

/** What a file says, without whether the output layer is a matrix of its own: files of today say nothing true about that. */
export function t5ConfigFrom(file: unknown, origin: string): Omit<T5Config, 'tied'> {
  const json = readFields(configSchema, file, origin);
  const fail = (message: string): never => {
    throw new DuetError('invalid-config', `${origin}: ${message}`);
  };
  const { feed_forward_proj: form = 'relu', relative_attention_num_buckets: buckets = 32 } = json;
  const parts = form.split('-');
  if (parts.length > 2 || (parts.length === 2 && parts[0] !== 'gated')) {
    fail(`feed_forward_proj must be an activation or gated-ACTIVATION, got ${form}`);
  }
  const named = json.dense_act_fn ?? (form === 'gated-gelu' ? 'gelu_new' : parts.at(-1)!);
  const activation =
    activationNamed(activationNames, named) ??
    fail(
      `the activation of feed_forward_proj or dense_act_fn must be one of ${Object.keys(activationNames).join(', ')}, got ${named}`,
    );
  const { relative_attention_max_distance: maxDistance = 128, num_layers: encoderLayers = 6 } = json;
  if (maxDistance <= buckets / 2) {
    fail(`relative_attention_max_distance must be above half of ${buckets} buckets, got ${maxDistance}`);
  }
  const startId = json.decoder_start_token_id ?? json.pad_token_id ?? 0;
  const { vocab_size: vocabularySize = 32_128 } = json;
  if (startId >= vocabularySize)
    fail(`decoder_start_token_id must be below vocab_size ${vocabularySize}, got ${startId}`);
  return {
    vocabularySize,
    width: json.d_model ?? 512,
    encoderLayers,
    decoderLayers: json.num_decoder_layers ?? encoderLayers,
    heads: json.num_heads ?? 8,
    headWidth: json.d_kv ?? 64,
    mlpWidth: json.d_ff ?? 2048,
    activation,
    gated: json.is_gated_act ?? parts[0] === 'gated',
    epsilon: json.layer_norm_epsilon ?? 1e-6,
    buckets,
    maxDistance,
    scaled: json.scale_decoder_outputs ?? json.tie_word_embeddings !== false,
    startId,
  };
}

/** The output layer, where it is a matrix of its own. */
export const t5HeadName = 'lm_head.weight';

/** @param prefix of all names, in files that hold other networks as well */
export function t5Rules({ encoderLayers, decoderLayers, gated }: T5Config, prefix = ''): NameRule[] {
  const same = (ours: string, theirs: string): NameRule => ({
    ours: `${ours}.weight`,
    theirs: `${prefix}${theirs}.weight`,
  });
  const attention = (ours: string, theirs: string, name: string): NameRule[] => [
    same(`${ours}.norm`, `${theirs}.layer_norm`),
    ...Object.entries({ query: 'q', key: 'k', value: 'v', out: 'o' }).map(([a, b]) =>
      same(`${ours}.${a}`, `${theirs}.${name}.${b}`),
    ),
  ];
  const mlp = gated ? { gate: 'wi_0', up: 'wi_1', down: 'wo' } : { up: 'wi', down: 'wo' };
  const stack = (name: 'encoder' | 'decoder', layers: number): NameRule[] => [
    same(`${name}.distances`, `${name}.block.0.layer.0.SelfAttention.relative_attention_bias`),
    ...Array.from({ length: layers }, (_, index) => {
      const [ours, theirs] = [`${name}.layers.${index}`, `${name}.block.${index}.layer`];
      const last = name === 'decoder' ? 2 : 1;
      return [
        ...attention(`${ours}.self`, `${theirs}.0`, 'SelfAttention'),
        ...(name === 'decoder' ? attention(`${ours}.cross`, `${theirs}.1`, 'EncDecAttention') : []),
        same(`${ours}.mlp.norm`, `${theirs}.${last}.layer_norm`),
        ...Object.entries(mlp).map(([a, b]) => same(`${ours}.mlp.${a}`, `${theirs}.${last}.DenseReluDense.${b}`)),
      ];
    }).flat(),
    same(`${name}.finalNorm`, `${name}.final_layer_norm`),
  ];
  return [
    same('tokenEmbedding', 'shared'),
    ...stack('encoder', encoderLayers),
    ...stack('decoder', decoderLayers),
    { ours: 'head.weight', theirs: `${prefix}${t5HeadName}` },
  ];
}
