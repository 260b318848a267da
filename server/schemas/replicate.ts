/**
 * Bodies of the Replicate family as they go over the wire. A prediction's input has the fields of a native job, and beside
 * them the names that Replicate's picture models have in common; what is unknown is ignored, which a header tells.
 */
import Type, { type Static } from 'typebox';
import { longestText } from '../../src/pipelines/index.ts';
import type { JobMode } from '../jobs/types.ts';
import { largestSide, smallestSide } from '../routes/compat/picture-size.ts';
import type { ModelInfo } from '../types.ts';
import { type Dialogue, dialogueField } from './dialogue.ts';
import { inputFields, modeField } from './job.ts';
import { type OptionNames, optionFields, servedOptions } from './option-fields.ts';

const optional = Type.Optional;

const side = Type.Integer({
  minimum: smallestSide,
  maximum: largestSide,
  description:
    'Pixels of the output; one alone means both. A model that draws squares of one size has them enlarged or shrunk to ' +
    'this, others draw in the nearest size that they can',
});

/** The options under the native job's names and under those that Replicate's picture models have in common. */
export const predictionNames: OptionNames = {
  n: ['num_outputs', 'n'],
  steps: ['num_inference_steps', 'steps'],
  guidance: ['guidance_scale', 'guidance'],
  strength: ['prompt_strength', 'strength'],
  maxTokens: ['max_tokens', 'max_new_tokens'],
  beams: ['num_beams', 'beams'],
  width: [],
  height: [],
};

/** Of models that converse: the names that Replicate's language models have in common, and the dialogues of native jobs. */
const dialogueFields = {
  messages: optional(dialogueField),
  system_prompt: optional(
    Type.String({ maxLength: longestText, description: 'What the model is told in front of the prompt' }),
  ),
  stop_sequences: optional(
    Type.String({ maxLength: longestText, description: 'Texts before which the answer ends, with commas between' }),
  ),
};

export function predictionInput(models: readonly ModelInfo[]) {
  const converses = models.some(({ dialogue }) => dialogue);
  const mode =
    'Without it: t2i; with image and mask inpaint, with image and a prompt or strength i2t2i, with image alone i2t' +
    (converses ? '; chat with system_prompt, messages, max_tokens and their kin, and of models that do not draw' : '');
  return Type.Object(
    {
      ...inputFields,
      ...(converses && dialogueFields),
      mode: optional(Type.Enum([...modeField(models).enum], { description: `What to do. ${mode}` })),
      ...optionFields(servedOptions(models), predictionNames),
      scheduler: optional(
        Type.String({
          maxLength: 200,
          description: 'solver, under any of its names; the input that is shown has the one that runs',
        }),
      ),
      width: optional(side),
      height: optional(side),
      output_format: optional(
        Type.Enum(['png', 'webp', 'jpg', 'jpeg'], { description: "The output's file format; png by default" }),
      ),
      output_quality: optional(
        Type.Integer({ minimum: 0, maximum: 100, description: 'Of webp and jpg; 90 by default' }),
      ),
    },
    { title: 'Input' },
  );
}

export interface PredictionInput extends Readonly<Record<string, unknown>> {
  readonly mode?: JobMode;
  readonly prompt?: string;
  readonly prompt2?: string;
  readonly messages?: Dialogue;
  readonly system_prompt?: string;
  readonly stop_sequences?: string;
  readonly scheduler?: string;
  readonly width?: number;
  readonly height?: number;
  readonly output_format?: 'png' | 'webp' | 'jpg' | 'jpeg';
  readonly output_quality?: number;
}

export function predictionBody(models: readonly ModelInfo[]) {
  return Type.Object({
    version: optional(
      Type.String({ maxLength: 1000, description: 'A model of /models as emoji, duet/emoji or duet/emoji:emoji' }),
    ),
    input: predictionInput(models),
    webhook: optional(Type.Unsafe<unknown>({ description: 'Refused: ask for the prediction instead' })),
  });
}

export interface PredictionBody {
  readonly version?: string;
  readonly input: PredictionInput;
  readonly webhook?: unknown;
}

export const PredictionsQuery = Type.Object({
  cursor: optional(Type.String({ maxLength: 100, description: 'From `next` of the page before' })),
});
export type PredictionsQuery = Static<typeof PredictionsQuery>;

export const FileBody = Type.Object({
  content: Type.Unsafe<unknown>({ description: 'The picture, as a file of a form' }),
});
export type FileBody = Static<typeof FileBody>;
