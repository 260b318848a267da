/**
 * The visual front ends of transformers' Blip2ForConditionalGeneration and InstructBlipForConditionalGeneration. Language models
 * have their own rules, with the prefix `language_model.`.
 */
import Type from 'typebox';
import { DuetError } from '../../core/errors.ts';
import { listSome } from '../../core/list-some.ts';
import type { VisualFrontEndConfig } from '../../vision/index.ts';
import { activationNamed, activationNames } from './activations.ts';
import { blockFields, orNull, readFields } from './config-file.ts';
import { blip2TowerRules } from './eva.ts';
import { linear, type NameRule, under, weightAndBias } from './name-map.ts';
import { blip2QFormer, instructBlipQFormer, qFormerRules } from './q-former.ts';

const size = Type.Integer({ minimum: 1 });

/** Absent fields have transformers' defaults, which are the published sizes. */
const configSchema = Type.Object({
  vision_config: orNull(
    Type.Object({
      ...blockFields,
      image_size: Type.Optional(size),
      patch_size: Type.Optional(size),
      qkv_bias: Type.Optional(Type.Boolean()),
    }),
  ),
  qformer_config: orNull(
    Type.Object({
      ...blockFields,
      encoder_hidden_size: Type.Optional(size),
      cross_attention_frequency: Type.Optional(size),
      vocab_size: Type.Optional(size),
      max_position_embeddings: Type.Optional(size),
      use_qformer_text_input: Type.Optional(Type.Boolean()),
    }),
  ),
  num_query_tokens: Type.Optional(size),
});

export interface Blip2Options {
  /** Of errors: the file's path. */
  readonly origin: string;
  /** Width of the language model, whose part of the file may leave it out. */
  readonly languageWidth: number;
  /** Whether the Q-Former reads the instruction too: InstructBLIP. */
  readonly instructed: boolean;
}

/**
 * @param file a parsed config.json, whatever it is
 * @throws DuetError `invalid-config` that names the field
 */
export function blip2ConfigFrom(
  file: unknown,
  { origin, languageWidth, instructed }: Blip2Options,
): VisualFrontEndConfig {
  const json = readFields(configSchema, file, origin);
  const fail = (message: string): never => {
    throw new DuetError('invalid-config', `${origin}: ${message}`);
  };
  const [vision, text] = [json.vision_config ?? {}, json.qformer_config ?? {}];
  const activation = (part: string, name = 'gelu') =>
    activationNamed(activationNames, name) ??
    fail(`${part}.hidden_act must be one of ${Object.keys(activationNames).join(', ')}, got ${name}`);
  const { hidden_size: width = 1408, num_hidden_layers: layers = 39, layer_norm_eps: epsilon = 1e-6 } = vision;
  const { image_size: imageSize = 224, patch_size: patchSize = 14 } = vision;
  if (patchSize > imageSize) fail(`vision_config.patch_size must be at most image_size ${imageSize}, got ${patchSize}`);
  const headsOf = (part: string, heads: number, whole: number) =>
    whole % heads === 0 ? heads : fail(`${part}.num_attention_heads must divide hidden_size ${whole}, got ${heads}`);
  const source = text.encoder_hidden_size ?? 1408;
  if (source !== width) {
    fail(`qformer_config.encoder_hidden_size must be vision_config.hidden_size ${width}, got ${source}`);
  }
  if (text.use_qformer_text_input && !instructed) {
    fail('qformer_config.use_qformer_text_input belongs to models for retrieval: those that write have it false');
  }
  return {
    tower: {
      width,
      layers,
      heads: headsOf('vision_config', vision.num_attention_heads ?? 16, width),
      mlpWidth: vision.intermediate_size ?? 6144,
      activation: activation('vision_config', vision.hidden_act),
      epsilon,
      imageSize,
      patchSize,
      channels: 3,
      patchBias: true,
      preNorm: false,
      biases: (vision.qkv_bias ?? true) ? 'all' : 'none',
      featureLayers: [layers],
      classToken: true,
    },
    connector: {
      normEpsilon: epsilon,
      qFormer: {
        width: text.hidden_size ?? 768,
        layers: text.num_hidden_layers ?? 12,
        heads: headsOf('qformer_config', text.num_attention_heads ?? 12, text.hidden_size ?? 768),
        mlpWidth: text.intermediate_size ?? 3072,
        activation: activation('qformer_config', text.hidden_act),
        epsilon: text.layer_norm_eps ?? 1e-12,
        queries: json.num_query_tokens ?? 32,
        crossEvery: text.cross_attention_frequency ?? 2,
        ...(instructed && {
          text: { vocabularySize: text.vocab_size ?? 30_522, positions: text.max_position_embeddings ?? 512 },
        }),
      },
      projection: { width: languageWidth, bias: true },
    },
  };
}

/** In front of the names of the language model's tensors. */
export const languageName = 'language_model.';

/**
 * What stands in front of all names of a checkpoint: nothing, or what a larger model calls it.
 * @param origin of errors: the checkpoint's path
 * @throws DuetError `invalid-weights` if it has no queries
 */
export function blip2PrefixOf(names: readonly string[], origin: string): string {
  const known = 'query_tokens';
  const found = names.find(name => name === known || name.endsWith(`.${known}`));
  if (found !== undefined) return found.slice(0, -known.length);
  throw new DuetError('invalid-weights', `${origin} has no Q-Former (…${known}); it has ${listSome(names)}`);
}

/** @param prefix of all names, in files that have one */
export function blip2Rules({ tower, connector }: VisualFrontEndConfig, prefix = ''): NameRule[] {
  const { qFormer } = connector;
  const names = qFormer?.text ? instructBlipQFormer : blip2QFormer;
  const prefixed = { ...names, prefix: `${prefix}${names.prefix}`, queries: `${prefix}${names.queries}` };
  return [
    ...under('tower.', blip2TowerRules(tower, `${prefix}vision_model.`)),
    ...weightAndBias('connector.norm', `${prefix}vision_model.post_layernorm`),
    ...(qFormer ? under('connector.qFormer.', qFormerRules(qFormer, prefixed)) : []),
    ...linear('connector.projection.fc1', `${prefix}language_projection`),
  ];
}
