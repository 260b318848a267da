/** Training configurations: one JSON file per stage, checked whole; an unknown key is an error with a suggestion. */
import Type, { type Static, type TSchema } from 'typebox';
import { Value } from 'typebox/value';
import { autoencoderConfigSchema } from '../autoencoder/index.ts';
import { clipConfigSchema } from '../clip/index.ts';
import { DuetError } from '../core/errors.ts';
import { nearestName } from '../core/nearest-name.ts';
import { captionDecoderConfigSchema } from '../lm/index.ts';
import { unetConfigSchema } from '../unet/index.ts';
import { jointUvitConfigSchema } from '../uvit/index.ts';
import { answerDataSchema, dataConfigSchema, dialogueDataSchema } from './data-config.ts';

const closed = { additionalProperties: false } as const;
const positive = Type.Integer({ minimum: 1 });
const fraction = Type.Number({ minimum: 0, maximum: 1 });

export const optimizerConfigSchema = Type.Object(
  {
    /** Peak learning rate. */
    lr: Type.Number({ exclusiveMinimum: 0 }),
    betas: Type.Tuple([fraction, fraction]),
    epsilon: Type.Number({ exclusiveMinimum: 0 }),
    weightDecay: Type.Number({ minimum: 0 }),
    /** Gradients are scaled down to at most this L2 norm. */
    clipNorm: Type.Number({ exclusiveMinimum: 0 }),
    /** Steps of linear warm-up. */
    warmup: Type.Integer({ minimum: 0 }),
    schedule: Type.Union([Type.Literal('constant'), Type.Literal('cosine')]),
    /** Where the cosine ends, as a fraction of `lr`. */
    finalShare: fraction,
    /** Decay of the average of weights, which is the result. */
    ema: fraction,
    /** Begin with a short average and lengthen it. */
    emaWarmup: Type.Boolean(),
  },
  closed,
);
export type OptimizerConfig = Static<typeof optimizerConfigSchema>;

/** What every stage has. */
const common = {
  name: Type.String({ pattern: '^[a-z0-9][a-z0-9-]*$' }),
  seed: Type.Integer({ minimum: 0 }),
  steps: positive,
  batch: positive,
  optimizer: optimizerConfigSchema,
  data: dataConfigSchema,
  /** Seconds between checkpoints. */
  checkpointSeconds: Type.Number({ exclusiveMinimum: 0 }),
  /** Steps between previews and validation. */
  sampleEvery: positive,
};

/** What every stage has that trains a finished model further. */
const further = {
  ...common,
  /** An embedded model's name or a model folder. */
  from: Type.String({ minLength: 1 }),
};

export const autoencoderStageSchema = Type.Object(
  {
    stage: Type.Literal('autoencoder'),
    ...common,
    model: autoencoderConfigSchema,
    loss: Type.Object({ l1: Type.Number(), l2: Type.Number(), edge: Type.Number(), kl: Type.Number() }, closed),
  },
  closed,
);

export const clipStageSchema = Type.Object(
  {
    stage: Type.Literal('clip'),
    ...common,
    model: clipConfigSchema,
    loss: Type.Object(
      {
        /** `pooled`: CLIP's; `token-wise`: FILIP's best match per token, averaged. */
        score: Type.Union([Type.Literal('pooled'), Type.Literal('token-wise')]),
        /** Initial temperature; it is learned. */
        temperature: Type.Number({ exclusiveMinimum: 0 }),
        /** Largest 1 / temperature. */
        maxScale: Type.Number({ exclusiveMinimum: 0 }),
      },
      closed,
    ),
    tokenizer: Type.Object({ vocabularySize: positive }, closed),
  },
  closed,
);

export const captionDecoderStageSchema = Type.Object(
  {
    stage: Type.Literal('caption-decoder'),
    ...common,
    model: captionDecoderConfigSchema,
    /** Folders of finished stages, relative to the working folder. */
    parts: Type.Object({ clip: Type.String() }, closed),
    /** Noise of up to this many standard deviations is added to the latents. */
    noise: Type.Number({ minimum: 0 }),
  },
  closed,
);

/** The caption decoder of a finished model trained further; all that makes latents stays as it is. */
export const fineTuneCaptionsStageSchema = Type.Object(
  {
    stage: Type.Literal('fine-tune-captions'),
    ...further,
    /** Noise of up to this many standard deviations is added to the latents. */
    noise: Type.Number({ minimum: 0 }),
  },
  closed,
);

/** CLIP's projection of texts in a finished model trained further; all that makes latents stays as it is. */
export const fineTuneProjectionStageSchema = Type.Object(
  {
    stage: Type.Literal('fine-tune-projection'),
    ...further,
    /** Largest 1 / temperature. */
    maxScale: Type.Number({ exclusiveMinimum: 0 }),
  },
  closed,
);

/** Fractions of a batch by how the two timesteps are drawn; scaled to sum to 1. */
export const timestepMixSchema = Type.Object(
  {
    /** The fraction of the whole run at which this mix holds; between two it is interpolated. */
    at: fraction,
    textClean: fraction,
    imageClean: fraction,
    textIgnored: fraction,
    imageIgnored: fraction,
    /** Both drawn independently. */
    independent: fraction,
    /** Both drawn, the same: as in joint sampling. */
    equal: fraction,
    /** Drawn timesteps u become shift u / (1 + (shift - 1) u): above 1 more of them are noisy. @default 1 */
    shift: Type.Optional(Type.Number({ exclusiveMinimum: 0 })),
  },
  closed,
);
export type TimestepMix = Static<typeof timestepMixSchema>;

export const jointStageSchema = Type.Object(
  {
    stage: Type.Literal('joint'),
    ...common,
    model: jointUvitConfigSchema,
    parts: Type.Object({ autoencoder: Type.String(), clip: Type.String(), captionDecoder: Type.String() }, closed),
    /** What the network predicts; `sample`, the data itself, is the easiest where a token holds many numbers. */
    prediction: Type.Union([Type.Literal('v'), Type.Literal('epsilon'), Type.Literal('sample')]),
    /** Weights of the three parts of the loss. */
    loss: Type.Object({ image: Type.Number(), clip: Type.Number(), text: Type.Number() }, closed),
    curriculum: Type.Array(timestepMixSchema, { minItems: 1 }),
  },
  closed,
);

/** A finished model trained further on other pairs: the U-ViT alone, its other networks are as they were. */
export const fineTuneStageSchema = Type.Object(
  {
    stage: Type.Literal('fine-tune'),
    ...further,
    /** Sizes that the U-ViT is given before it is trained further. @default those that it has */
    model: Type.Optional(Type.Object({ patchSize: positive, finalConv: Type.Boolean() }, closed)),
    /** Whether the model's U-Net stays, which goes on drawing what it has learnt. @default false */
    keepsUnet: Type.Optional(Type.Boolean()),
    /** Weights of the three parts of the loss. */
    loss: Type.Object({ image: Type.Number(), clip: Type.Number(), text: Type.Number() }, closed),
    curriculum: Type.Array(timestepMixSchema, { minItems: 1 }),
  },
  closed,
);

/** A convolutional U-Net on the image latents of a finished model, conditioned by that model's text tower. */
export const unetStageSchema = Type.Object(
  {
    stage: Type.Literal('unet'),
    ...further,
    model: unetConfigSchema,
    /** Fraction of captions that are replaced by the empty one, which classifier-free guidance turns away from. */
    emptyShare: fraction,
  },
  closed,
);

/** `batch` is the number of rows, each of which holds several dialogues. */
const onDialogues = {
  ...further,
  data: dialogueDataSchema,
  /** Positions of a row, which is the longest dialogue as well. */
  length: positive,
  /** Most pictures in a batch: those that users give, and those that are drawn. */
  pictures: Type.Object({ given: positive, drawn: positive }, closed),
  /** What each loss counts. */
  loss: Type.Object({ text: Type.Number(), caption: Type.Number() }, closed),
  /** Fraction of drawn pictures whose condition is dropped, which classifier-free guidance turns away from. */
  emptyShare: fraction,
};

/** A small chat model, trained whole, that sees by the image tower of a finished model and draws by its U-Net. */
export const chatStageSchema = Type.Object(
  {
    stage: Type.Literal('chat'),
    ...onDialogues,
    /** A tokenizer.json, relative to the working folder; tools/chat-tokenizer.ts makes one. */
    parts: Type.Object({ tokenizer: Type.String({ minLength: 1 }) }, closed),
    model: Type.Object(
      {
        language: Type.Object(
          { width: positive, layers: positive, heads: positive, mlpWidth: positive, positions: positive },
          closed,
        ),
        /** Vokens of a picture. */
        vokens: positive,
        /** Layers of the image tower whose states are seen, side by side. */
        featureLayers: Type.Array(Type.Integer({ minimum: 0 }), { minItems: 1 }),
        mapper: Type.Object({ heads: positive, encoderLayers: positive, decoderLayers: positive }, closed),
      },
      closed,
    ),
  },
  closed,
);

/** A finished small chat model trained further, its image tower as well. */
export const fineTuneChatStageSchema = Type.Object({ stage: Type.Literal('fine-tune-chat'), ...onDialogues }, closed);

/**
 * MiniGPT-5's training of a model folder. Without `lora` its first stage: rows of the new tokens and the whole mapper learn; with it
 * the second: those rows, the mapper's layers and an adaptation of the language model. `batch` is the number of rows.
 */
export const miniGpt5StageSchema = Type.Object(
  {
    stage: Type.Literal('minigpt5'),
    ...further,
    data: answerDataSchema,
    /** Positions of a row; samples that take more are left out, and counted. */
    length: positive,
    /** Most pictures that are drawn in a batch. */
    pictures: positive,
    lora: Type.Optional(Type.Object({ rank: positive, alpha: Type.Number({ exclusiveMinimum: 0 }) }, closed)),
    /** What the regression of given pictures' vectors counts, as Emu learns it. @default it is not learned */
    regression: Type.Optional(Type.Number({ exclusiveMinimum: 0 })),
    /** Fraction of pictures whose condition is dropped, which classifier-free guidance turns away from. */
    emptyShare: fraction,
  },
  closed,
);

export const stageSchemas = {
  autoencoder: autoencoderStageSchema,
  clip: clipStageSchema,
  'caption-decoder': captionDecoderStageSchema,
  joint: jointStageSchema,
  'fine-tune': fineTuneStageSchema,
  'fine-tune-captions': fineTuneCaptionsStageSchema,
  'fine-tune-projection': fineTuneProjectionStageSchema,
  unet: unetStageSchema,
  chat: chatStageSchema,
  'fine-tune-chat': fineTuneChatStageSchema,
  minigpt5: miniGpt5StageSchema,
} as const;

export type AutoencoderStage = Static<typeof autoencoderStageSchema>;
export type ClipStage = Static<typeof clipStageSchema>;
export type CaptionDecoderStage = Static<typeof captionDecoderStageSchema>;
export type JointStage = Static<typeof jointStageSchema>;
export type FineTuneStage = Static<typeof fineTuneStageSchema>;
export type FineTuneCaptionsStage = Static<typeof fineTuneCaptionsStageSchema>;
export type FineTuneProjectionStage = Static<typeof fineTuneProjectionStageSchema>;
export type UnetStage = Static<typeof unetStageSchema>;
export type ChatStage = Static<typeof chatStageSchema>;
export type FineTuneChatStage = Static<typeof fineTuneChatStageSchema>;
export type MiniGpt5Stage = Static<typeof miniGpt5StageSchema>;
export type StageConfig =
  | AutoencoderStage
  | ClipStage
  | CaptionDecoderStage
  | JointStage
  | FineTuneStage
  | FineTuneCaptionsStage
  | FineTuneProjectionStage
  | UnetStage
  | ChatStage
  | FineTuneChatStage
  | MiniGpt5Stage;

/** What training CLIP takes, whether it is new or finished. */
export type ClipTraining = Pick<ClipStage, 'seed' | 'batch' | 'data' | 'model'> & {
  readonly loss: Pick<ClipStage['loss'], 'score' | 'maxScale'>;
};

/** What training a small chat model takes, whether it is new or finished. */
export type ChatTraining = Omit<FineTuneChatStage, 'stage'>;

/** What training a caption decoder takes, whether it is new or finished. */
export type CaptionTraining = Pick<CaptionDecoderStage, 'seed' | 'batch' | 'model' | 'noise'>;

/** What training a U-ViT takes, whether it is new or finished. */
export type JointTraining = Pick<
  JointStage,
  'name' | 'seed' | 'steps' | 'batch' | 'data' | 'model' | 'prediction' | 'loss' | 'curriculum'
>;

/**
 * The configuration in `value` (parsed JSON).
 * @throws DuetError `invalid-config` naming the key, what is allowed and, for an unknown key, the nearest known one.
 */
export function parseStageConfig(value: unknown, origin = 'the configuration'): StageConfig {
  const stage = typeof value === 'object' && value !== null ? (value as { stage?: unknown }).stage : undefined;
  if (typeof stage !== 'string' || !Object.hasOwn(stageSchemas, stage)) {
    throw new DuetError(
      'invalid-config',
      `${origin}: "stage" must be one of ${Object.keys(stageSchemas).join(', ')}, got ${JSON.stringify(stage)}`,
    );
  }
  return checked(stageSchemas[stage as StageConfig['stage']], value, origin) as StageConfig;
}

function checked(schema: TSchema, value: unknown, origin: string): unknown {
  if (Value.Check(schema, value)) return value;
  const unknown = unknownKey(schema, value, '');
  if (unknown !== undefined) {
    throw new DuetError('invalid-config', `${origin}: ${unknown}`);
  }
  const [first] = Value.Errors(schema, value);
  const place = first?.instancePath || 'the whole file';
  throw new DuetError('invalid-config', `${origin}: ${place} ${first?.message ?? 'is not valid'}`);
}

/** A sentence about the first key of `value` that `schema` does not know. */
function unknownKey(schema: unknown, value: unknown, path: string): string | undefined {
  const { properties } = schema as { properties?: Record<string, unknown> };
  if (properties === undefined || typeof value !== 'object' || value === null) return undefined;
  const known = Object.keys(properties);
  for (const [key, child] of Object.entries(value)) {
    const at = path === '' ? key : `${path}.${key}`;
    if (!Object.hasOwn(properties, key)) {
      const near = nearestName(key, known);
      return `unknown key "${at}"${near ? `; did you mean "${near}"?` : `; known are ${known.join(', ')}`}`;
    }
    const nested = unknownKey(properties[key], child, at);
    if (nested !== undefined) return nested;
  }
  return undefined;
}
