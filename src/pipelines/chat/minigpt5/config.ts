/** What the config.json of a MiniGPT-5 folder says: how its parts go together, and how its prompts are written. */
import Type from 'typebox';
import { DuetError } from '../../../core/errors.ts';
import { visualFrontEndConfigSchema } from '../../../vision/index.ts';
import { vokenMapperConfigSchema, vokenVocabularySchema } from '../../../vokens/index.ts';
import { readFields } from '../../../weights/names/config-file.ts';

const closed = { additionalProperties: false } as const;
/** A path, relative to the folder. */
const folder = Type.String({ minLength: 1 });
const colour = Type.Tuple([Type.Number(), Type.Number(), Type.Number()]);

/** How a picture becomes the values that an image tower reads. */
const visualInputSchema = Type.Object(
  {
    /** `stretch` to the tower's square; `crop` the central square; `pad` to a square with white. */
    fit: Type.Union([Type.Literal('stretch'), Type.Literal('crop'), Type.Literal('pad')]),
    filter: Type.Union([Type.Literal('bilinear'), Type.Literal('bicubic')]),
    /** Of values in [0, 1], by colour. */
    mean: colour,
    std: colour,
  },
  closed,
);

/**
 * A dialogue as one text: the system's words, each message behind its role, and the beginning of the answer. `image` stands
 * where a picture was given and must contain the vocabulary's image token once.
 */
const promptSchema = Type.Object(
  {
    system: Type.String(),
    user: Type.String(),
    assistant: Type.String(),
    /** Between two messages. */
    separator: Type.String(),
    image: Type.String({ minLength: 1 }),
    /**
     * How a picture stands in an answer of the model's own. `vokens`: as the vokens that it wrote, so that it reads what it said
     * and not what came of it. @default 'image', as a given one
     */
    drawn: Type.Optional(Type.Union([Type.Literal('image'), Type.Literal('vokens')])),
    /** How many exchanges are read, the present one among them; what was said before is left out. @default all */
    exchanges: Type.Optional(Type.Integer({ minimum: 1 })),
    /** Texts that end an answer. */
    stop: Type.Array(Type.String({ minLength: 1 })),
  },
  closed,
);

const phrasings = Type.Array(Type.String({ minLength: 1 }), { minItems: 1 });

/**
 * How the kinds of training data are worded, each a system text and the requests of which one is drawn (docs/training.md).
 * `{caption}` stands for a picture's caption. Weights that were published expect the words that they were trained with.
 */
const promptTemplatesSchema = Type.Object(
  {
    /** Pictures with captions: requests to draw one. */
    captions: Type.Optional(Type.Object({ system: Type.String(), draw: phrasings }, closed)),
    /** Stories: to draw a step, to go on with the next one in words and picture, and to say what a picture tells. */
    stories: Type.Optional(
      Type.Object({ system: Type.String(), draw: phrasings, next: phrasings, tell: phrasings }, closed),
    ),
    dialogues: Type.Optional(Type.Object({ system: Type.String() }, closed)),
  },
  closed,
);
export type PromptTemplates = Type.Static<typeof promptTemplatesSchema>;

const samplingSchema = Type.Object(
  {
    temperature: Type.Number({ minimum: 0 }),
    topK: Type.Optional(Type.Integer({ minimum: 1 })),
    topP: Type.Optional(Type.Number({ exclusiveMinimum: 0, maximum: 1 })),
    minP: Type.Optional(Type.Number({ minimum: 0, maximum: 1 })),
    repetitionPenalty: Type.Optional(Type.Number({ exclusiveMinimum: 0 })),
  },
  closed,
);

export const miniGpt5ConfigSchema = Type.Object(
  {
    family: Type.Literal('minigpt5'),
    name: Type.String({ minLength: 1 }),
    /** A folder of the Llama family as Hugging Face's libraries write it. */
    languageModel: folder,
    /** A folder of Stable Diffusion as diffusers writes it, or a model folder of Duet's: its path, or an embedded model's name. */
    diffusion: folder,
    vocabulary: vokenVocabularySchema,
    /** Absent in models that are not given pictures. */
    frontEnd: Type.Optional(Type.Object({ network: visualFrontEndConfigSchema, input: visualInputSchema }, closed)),
    mapper: vokenMapperConfigSchema,
    /** A low-rank adaptation of the language model, in a file of its own. */
    lora: Type.Optional(
      Type.Object({ rank: Type.Integer({ minimum: 1 }), alpha: Type.Number({ exclusiveMinimum: 0 }) }, closed),
    ),
    prompt: promptSchema,
    promptTemplates: Type.Optional(promptTemplatesSchema),
    /** How tokens are chosen where a call does not say. @default as the language model's folder says */
    sampling: Type.Optional(samplingSchema),
    /** How pictures are drawn where a call does not say. @default as the diffusion folder says */
    drawing: Type.Optional(
      Type.Object(
        {
          steps: Type.Optional(Type.Integer({ minimum: 1 })),
          guidance: Type.Optional(Type.Number({ minimum: 0 })),
        },
        closed,
      ),
    ),
    /** Messages that show what the model can do. */
    examples: Type.Optional(Type.Array(Type.String({ minLength: 1 }))),
  },
  closed,
);

export type MiniGpt5Config = Type.Static<typeof miniGpt5ConfigSchema>;

/** @throws DuetError 'invalid-config' naming the field and `origin` */
export function parseMiniGpt5Config(json: unknown, origin: string): MiniGpt5Config {
  const config = readFields(miniGpt5ConfigSchema, json, origin);
  const { vocabulary, prompt } = config;
  const { name } = vocabulary.image;
  if (prompt.image.split(name).length !== 2) {
    throw new DuetError('invalid-config', `${origin}: prompt.image must contain ${name} once, got ${prompt.image}`);
  }
  return config;
}
