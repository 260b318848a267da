/**
 * LLaVA's visual front end: transformers' LlavaForConditionalGeneration (versions 1.5 and later), and the original's projector
 * beside CLIP's own file (version 1). Language models have their own rules, with the prefix `language_model.`.
 */
import Type from 'typebox';
import { DuetError } from '../../core/errors.ts';
import { listSome } from '../../core/list-some.ts';
import type { VisualFrontEndConfig } from '../../vision/index.ts';
import { activationNamed, activationNames } from './activations.ts';
import { clipVisionConfigFrom, clipVisionRules } from './clip.ts';
import { blockFields, orNull, readFields } from './config-file.ts';
import { linear, type NameRule, under } from './name-map.ts';

const size = Type.Integer({ minimum: 1 });

/** CLIP's part of the file; absent fields have the defaults of transformers' CLIPVisionConfig. */
const visionSchema = Type.Object({
  model_type: Type.Optional(Type.String()),
  ...blockFields,
  image_size: Type.Optional(size),
  patch_size: Type.Optional(size),
  num_channels: Type.Optional(size),
});

const configSchema = Type.Object({
  vision_config: orNull(visionSchema),
  /** Counts the embeddings as 0; negative ones from the end. */
  vision_feature_layer: orNull(Type.Union([Type.Integer(), Type.Array(Type.Integer(), { minItems: 1 })])),
  vision_feature_select_strategy: orNull(Type.String()),
  projector_hidden_act: orNull(Type.String()),
  multimodal_projector_bias: orNull(Type.Boolean()),
});

/** What a file without vision_config stands for: ViT-L/14 at 336 pixels. */
const defaultVision = {
  hidden_size: 1024,
  intermediate_size: 4096,
  num_hidden_layers: 24,
  num_attention_heads: 16,
  image_size: 336,
  patch_size: 14,
};

export interface LlavaOptions {
  /** Of errors: the file's path. */
  readonly origin: string;
  /** Width of the language model, whose part of the file may leave it out. */
  readonly languageWidth: number;
  /** Version 1 has one linear layer, of which its file says nothing. @default 'perceptron' */
  readonly projector?: 'perceptron' | 'linear';
}

/**
 * @param file a parsed config.json, whatever it is
 * @throws DuetError `invalid-config` that names the field
 */
export function llavaConfigFrom(
  file: unknown,
  { origin, languageWidth, projector = 'perceptron' }: LlavaOptions,
): VisualFrontEndConfig {
  const fail = (message: string): never => {
    throw new DuetError('invalid-config', `${origin}: ${message}`);
  };
  const json = readFields(configSchema, file, origin);
  const vision = json.vision_config ?? defaultVision;
  if ('model_type' in vision && vision.model_type !== 'clip_vision_model') {
    fail(`vision_config.model_type must be clip_vision_model, got ${JSON.stringify(vision.model_type)}`);
  }
  const { layers, ...sizes } = clipVisionConfigFrom(vision, false);
  const featureLayers = [json.vision_feature_layer ?? -2].flat().map(layer => {
    const index = layer < 0 ? layers + 1 + layer : layer;
    if (index >= 0 && index <= layers) return index;
    return fail(`vision_feature_layer must be from ${-layers - 1} to ${layers}, got ${layer}`);
  });
  const strategy = json.vision_feature_select_strategy ?? 'default';
  if (strategy !== 'default' && strategy !== 'full') {
    fail(`vision_feature_select_strategy must be default or full, got ${JSON.stringify(strategy)}`);
  }
  const name = json.projector_hidden_act ?? 'gelu';
  const activation = activationNamed(activationNames, name);
  if (!activation)
    return fail(`projector_hidden_act must be one of ${Object.keys(activationNames).join(', ')}, got ${name}`);
  return {
    tower: {
      ...sizes,
      // Layers beyond those that features are taken from are of no use, and neither loaded nor computed.
      layers: Math.max(1, ...featureLayers),
      patchBias: false,
      preNorm: true,
      biases: 'all',
      featureLayers,
      classToken: strategy === 'full',
    },
    connector: {
      projection: {
        width: languageWidth,
        bias: json.multimodal_projector_bias ?? true,
        ...(projector === 'perceptron' && { activation }),
      },
    },
  };
}

/** Where a checkpoint has the front end's parts. */
export interface LlavaNames {
  /** Of CLIP's names. */
  readonly tower: string;
  /** The linear layers of the projector: one or two. */
  readonly projector: readonly string[];
}

const towerName = 'embeddings.patch_embedding.weight';
/** transformers', the original's with two layers, the original's with one. */
const projectors = [
  ['multi_modal_projector.linear_1', 'multi_modal_projector.linear_2'],
  ['mm_projector.0', 'mm_projector.2'],
  ['mm_projector'],
];

/**
 * Finds the parts among the names of a checkpoint: their prefixes differ from version to version of transformers.
 * @param origin of errors: the checkpoint's path
 * @throws DuetError `invalid-weights` if there is no tower or no projector
 */
export function llavaNamesOf(names: Iterable<string>, origin: string): LlavaNames {
  const all = [...names];
  const prefixOf = (name: string) =>
    all.find(given => given === name || given.endsWith(`.${name}`))?.slice(0, -name.length);
  const tower = prefixOf(towerName);
  const projector = projectors
    .map(layers => layers.map(layer => ({ layer, prefix: prefixOf(`${layer}.weight`) })))
    .find(layers => layers.every(({ prefix }) => prefix !== undefined))
    ?.map(({ layer, prefix }) => `${prefix}${layer}`);
  if (tower !== undefined && projector) return { tower, projector };
  const missing = [
    ...(tower === undefined ? [`tower (…${towerName})`] : []),
    ...(projector ? [] : [`projector (…${projectors.map(layers => layers.join(' and …')).join(', or …')})`]),
  ];
  throw new DuetError('invalid-weights', `${origin} has no ${missing.join(' and no ')}; it has ${listSome(all)}`);
}

export function llavaRules({ tower }: VisualFrontEndConfig, names: LlavaNames): NameRule[] {
  return [
    ...under('tower.', clipVisionRules({ layers: tower.layers }, names.tower)),
    ...names.projector.flatMap((name, index) => linear(`connector.projection.fc${index + 1}`, name)),
  ];
}
