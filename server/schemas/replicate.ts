/**
 * Bodies of the Replicate family as they go over the wire. A prediction's input has the fields of a native job, and beside
 * them the names that Replicate's picture models have in common; what is unknown is ignored, which a header tells.
 */
import Type, { type Static } from 'typebox';
import type { JobMode } from '../jobs/types.ts';
import { largestSide, smallestSide } from '../routes/compat/picture-size.ts';
import type { ModelInfo } from '../types.ts';
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
  width: [],
  height: [],
};

export function predictionInput(models: readonly ModelInfo[]) {
  const mode =
    'Without it: t2i; with image and mask inpaint, with image and a prompt or strength i2t2i, with image alone i2t';
  return Type.Object(
    {
      ...inputFields,
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
