/** The body of POST /v1/responses. What is in `input` and `tool_choice` is read by the route, whose errors name the place. */
import Type, { type Static } from 'typebox';
import { longestText } from '../../src/pipelines/index.ts';
import type { ModelInfo } from '../types.ts';
import { mostCharacters, mostMessages, mostPictures } from './dialogue.ts';
import { openaiNames } from './openai.ts';
import { type OptionNames, optionFields, servedOptions } from './option-fields.ts';

const optional = Type.Optional;
const text = (description: string, maxLength = longestText) => optional(Type.String({ maxLength, description }));
const ignored = optional(Type.Unsafe<unknown>({ description: 'Accepted and ignored', 'x-ignored': true }));
const refused = (why: string) => optional(Type.Unsafe<unknown>({ description: `Refused: ${why}` }));
const noState = 'nothing is kept between requests; send the whole conversation as input';

/** What the responses API calls the options of an answer and what is given to it. */
export const responseNames: OptionNames = {
  ...openaiNames,
  messages: ['input'],
  maxTokens: ['max_output_tokens'],
  maxImages: ['max_tool_calls'],
  draw: [],
  stop: ['stop'],
};

const tool = Type.Object({
  type: Type.String({ maxLength: 100 }),
  size: optional(Type.String({ maxLength: 100, description: "'WIDTHxHEIGHT' or 'auto'" })),
  output_format: optional(Type.Enum(['png', 'jpeg', 'webp'])),
  output_compression: optional(Type.Integer({ minimum: 0, maximum: 100 })),
  partial_images: optional(
    Type.Integer({ minimum: 0, maximum: 3, description: 'Previews of each picture in a stream' }),
  ),
  input_image_mask: refused('pictures are drawn whole here; /v1/images/edits takes masks'),
});

const response = Type.Object({
  model: text('A model of /v1/models; the default one if absent'),
  input: Type.Union(
    [
      Type.String({ maxLength: mostCharacters }),
      Type.Array(Type.Record(Type.String(), Type.Unknown()), { maxItems: mostMessages }),
    ],
    {
      description:
        'A text, or the conversation as items: messages of input_text, input_image and output_text, and image_generation_call ' +
        `of earlier answers; at most ${mostPictures} pictures and ${mostCharacters} characters`,
    },
  ),
  instructions: text("The system's words, in front of the input", mostCharacters),
  tools: optional(
    Type.Array(tool, {
      maxItems: 128,
      description:
        'With {"type": "image_generation"} the answer may have pictures, without it has none; others are ignored',
    }),
  ),
  tool_choice: optional(
    Type.Unsafe<unknown>({
      description:
        'auto: pictures as the model chooses. required or {"type": "image_generation"}: one at the beginning of the answer ' +
        'at least. none: no pictures',
    }),
  ),
  stream: optional(Type.Boolean({ description: 'Answer with server-sent events' })),
  text: optional(
    Type.Object({
      format: optional(Type.Object({ type: Type.Enum(['text'], { description: 'No other is written here' }) })),
    }),
  ),
  metadata: optional(
    Type.Record(Type.String(), Type.String(), { maxProperties: 16, description: 'Shown in the answer' }),
  ),
  background: optional(Type.Boolean({ description: 'true is refused; /v1/jobs has answers that are fetched later' })),
  previous_response_id: refused(noState),
  conversation: refused(noState),
  prompt: refused('no templates are kept; send input and instructions'),
  store: ignored,
  include: ignored,
  reasoning: ignored,
  parallel_tool_calls: ignored,
  service_tier: ignored,
  safety_identifier: ignored,
  prompt_cache_key: ignored,
  stream_options: ignored,
  truncation: ignored,
  top_logprobs: ignored,
  user: ignored,
});

export function responseBody(models: readonly ModelInfo[]) {
  return Type.Object({ ...response.properties, ...optionFields(servedOptions(models, ['chat']), responseNames) });
}

export type ResponseBody = Static<typeof response> & Readonly<Record<string, unknown>>;
export type ResponseTool = Static<typeof tool>;
