/**
 * Bodies of the OpenAI family as they go over the wire. Fields that are not listed are ignored, and null is absent; both are
 * `bodyValidator`'s doing. What each field means is told in its description, which /openapi.json shows.
 */
import Type, { type Static } from 'typebox';
import { longestText, solverNames } from '../../src/pipelines/index.ts';
import type { JobMode } from '../jobs/types.ts';
import type { ModelInfo } from '../types.ts';
import { mostCharacters, mostMessages, mostParts, mostPictures } from './dialogue.ts';
import { type OptionNames, optionFields, servedOptions } from './option-fields.ts';

/** Of a whole picture that follows a prompt; see docs/decisions/2026-11-27-clients-of-today.md for what was measured. */
export const defaultEditStrength = 0.75;

const optional = Type.Optional;
const text = (description: string) => optional(Type.String({ maxLength: longestText, description }));
/** A file of a form, base64 text, a data URL or `{image_url}`; read by `pictureOf`. */
const file = (description: string) => optional(Type.Unsafe<unknown>({ format: 'binary', description }));
/** Forms call it `image`, `image[]` or `image[0]`, JSON `images`. */
const givenPicture = {
  image: file('The picture: a file, base64 text, a data URL or {"image_url": "data:..."}'),
  images: file(
    'The same as a list. The model takes one picture: more are refused, as is a file_id, since no files are kept',
  ),
};
const size =
  "The pixels of the answer, 'WIDTHxHEIGHT' with sides of 16 to 2048, or 'auto' for the model's own size. The model always " +
  'draws squares of its own size; other sizes are those enlarged or shrunk (Lanczos), with no more detail, and where the ' +
  'shape is not square the picture is centred and its edges are continued to the sides.';

/** Named so that the documentation says it; the header x-ignored-fields tells these and unknown ones. */
const ignored = optional(Type.Unsafe<unknown>({ description: 'Accepted and ignored', 'x-ignored': true }));

/** What OpenAI's clients call the options of calls; solver, previews and stop texts are said in ways of their own. */
export const openaiNames: OptionNames = {
  maxTokens: ['max_completion_tokens', 'max_tokens'],
  stop: [],
  beams: ['num_beams', 'beams'],
  steps: ['num_inference_steps', 'steps'],
  guidance: ['guidance_scale', 'cfg_scale'],
  solver: [],
  previewEvery: [],
  priority: [],
  width: [],
  height: [],
};

const solver = {
  scheduler: optional(
    Type.String({
      maxLength: 100,
      description:
        `The solver: ${solverNames.join(', ')}, or a name from diffusers, A1111 or ComfyUI, with a noise schedule at its ` +
        'end or alone. The nearest one stands in for those that Duet does not have; the answer names the one that ran',
    }),
  ),
  sampler: optional(Type.String({ maxLength: 100, description: 'Alias of scheduler' })),
};

const output = {
  model: text('A model of /v1/models; the default one if absent'),
  size: optional(Type.String({ maxLength: 100, description: size })),
  response_format: optional(
    Type.Enum(['b64_json', 'url'], { description: 'Base64 in the answer (the default), or a URL of this server' }),
  ),
  output_format: optional(Type.Enum(['png', 'jpeg', 'webp'], { description: 'The file format; png by default' })),
  output_compression: optional(
    Type.Integer({ minimum: 0, maximum: 100, description: 'Quality of jpeg and webp, 90 by default' }),
  ),
  stream: optional(Type.Boolean({ description: 'Answer with server-sent events' })),
  partial_images: optional(
    Type.Integer({
      minimum: 0,
      maximum: 3,
      description: 'Previews to stream on the way, spread evenly over the steps',
    }),
  ),
  user: ignored,
  quality: ignored,
  style: ignored,
  background: ignored,
  moderation: ignored,
  input_fidelity: ignored,
};

const outputFields = Type.Object({ ...output, ...solver });

const imageGeneration = Type.Object({
  prompt: text('What the pictures show. May be absent in modes i and joint'),
  mode: optional(
    Type.Enum(['t2i', 'i', 'joint'], {
      description:
        't2i (default): pictures of the prompt. i: pictures out of nothing. joint: the same, each with a caption',
    }),
  ),
  ...output,
  ...solver,
});

const imageEdit = Type.Object({
  ...givenPicture,
  mask: file(
    'Where it is transparent (or, without transparency, white) the picture is drawn anew, the rest is kept. Without a ' +
      'mask the transparent part of the picture is drawn anew or, where nothing is transparent, all of it may change',
  ),
  prompt: text('What the whole picture should show; without a mask it must be there'),
  ...output,
  ...solver,
});

const imageVariation = Type.Object({
  ...givenPicture,
  ...output,
  ...solver,
});

const stopText = Type.String({ minLength: 1, maxLength: 200 });

const contentPart = Type.Object({
  type: Type.String({ maxLength: 100 }),
  text: optional(Type.String({ maxLength: mostCharacters })),
  image_url: optional(
    Type.Union([
      Type.String(),
      Type.Object({ url: Type.String({ description: 'A data URL; http(s) only where the server allows it' }) }),
    ]),
  ),
});

const message = Type.Object({
  role: Type.Enum(['system', 'developer', 'user', 'assistant', 'tool', 'function']),
  content: optional(
    Type.Union([
      Type.String({ maxLength: mostCharacters }),
      Type.Null(),
      Type.Array(contentPart, { maxItems: mostParts }),
    ]),
  ),
  images: optional(
    Type.Array(contentPart, {
      maxItems: mostParts,
      description: 'Pictures of an earlier answer, as they stand in it: parts of type image_url, behind the content',
    }),
  ),
  parts: optional(
    Type.Array(contentPart, {
      maxItems: mostParts,
      description: 'Words and pictures of an earlier answer in their order, in place of content and images',
    }),
  ),
});

const chat = Type.Object({
  model: text('A model of /v1/models; the default one if absent'),
  messages: Type.Array(message, {
    minItems: 1,
    maxItems: mostMessages,
    description:
      `Of models that converse the whole conversation counts, with at most ${mostPictures} pictures and ${mostCharacters} ` +
      "characters. Of the others the last user message: its text and its picture, or else the conversation's latest picture; " +
      'a message with several is refused',
  }),
  n: optional(Type.Integer({ minimum: 1, description: 'Answers; models that converse give one' })),
  stop: optional(
    Type.Union([stopText, Type.Array(stopText, { maxItems: 16 })], {
      description: 'Texts before which the answer of a model that converses ends',
    }),
  ),
  modalities: optional(
    Type.Array(Type.String({ maxLength: 100 }), {
      maxItems: 10,
      description:
        "Of models that converse: where it is absent or has both, the model draws as it chooses; ['text']: never; ['image']: at " +
        "the beginning of the answer. Of others: ['text'] (default): a caption of the picture; ['image', 'text']: a picture of " +
        'the text, or with its caption',
    }),
  ),
  stream: optional(Type.Boolean({ description: 'Answer with server-sent events' })),
  stream_options: optional(Type.Object({ include_usage: optional(Type.Union([Type.Boolean(), Type.Null()])) })),
  size: output.size,
  ...solver,
});

/** Modes that each route may run. */
const modes = {
  generation: ['t2i', 'i', 'joint'],
  edit: ['inpaint', 'i2t2i'],
  variation: ['i2t2i'],
  chat: ['chat', 'i2t', 't2i', 'i2t2i', 'joint'],
} as const satisfies Record<string, readonly JobMode[]>;

/** The bodies of the routes, with the options that the served models have in the modes of each. */
export function openaiBodies(models: readonly ModelInfo[]) {
  const fields = (route: keyof typeof modes, texts?: Readonly<Record<string, string>>) =>
    optionFields(servedOptions(models, modes[route]), openaiNames, texts);
  const strength = `How much of the picture may change; 1 keeps nothing; ${defaultEditStrength} without a mask, 1 with one`;
  return {
    generation: Type.Object({ ...imageGeneration.properties, ...fields('generation') }),
    edit: Type.Object({ ...imageEdit.properties, ...fields('edit', { strength }) }),
    variation: Type.Object({ ...imageVariation.properties, ...fields('variation') }),
    chat: Type.Object({ ...chat.properties, ...fields('chat') }),
  };
}

/** Options have their fields beside those that a body has by itself. */
interface WithOptions extends Readonly<Record<string, unknown>> {
  readonly n?: number;
}

export type ImageGenerationBody = Static<typeof imageGeneration> & WithOptions;
export type ImageEditBody = Static<typeof imageEdit> & WithOptions;
export type ImageVariationBody = Static<typeof imageVariation> & WithOptions;
export type ChatBody = Static<typeof chat> & WithOptions;
export type ChatMessage = Static<typeof message>;
export type ChatPart = Static<typeof contentPart>;
/** What the three image routes have in common. */
export type ImageOutput = Static<typeof outputFields> & WithOptions;
