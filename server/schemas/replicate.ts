/**
 * Bodies of the Replicate family as they go over the wire. A prediction's input has the fields of a native job, and beside
 * them the names that Replicate's picture models have in common; what is unknown is ignored, which a header tells.
 */
import Type, { type Static } from 'typebox';
import { largestSide, smallestSide } from '../routes/compat/picture-size.ts';
import { JobBody } from '../routes/native/job-fields.ts';

const optional = Type.Optional;
const { model: _named, mode, ...jobFields } = JobBody.properties;

const side = Type.Integer({
  minimum: smallestSide,
  maximum: largestSide,
  description:
    'Pixels of the output; one alone means both. The model draws squares of its own size, which are enlarged or shrunk ' +
    'to this',
});

export const PredictionInput = Type.Object(
  {
    ...jobFields,
    mode: optional(
      Type.Enum([...mode.enum], {
        description:
          'What to do. Without it: t2i; with image and mask inpaint, with image and a prompt or strength i2t2i, with image alone i2t',
      }),
    ),
    num_outputs: optional(Type.Integer({ minimum: 1, maximum: 1024, description: 'n' })),
    num_inference_steps: optional(Type.Integer({ minimum: 1, maximum: 1000, description: 'steps' })),
    guidance_scale: optional(Type.Number({ minimum: 0, maximum: 100, description: 'guidance; 1 is off' })),
    prompt_strength: optional(
      Type.Number({ minimum: 0, maximum: 1, description: 'strength; 1 keeps nothing of image' }),
    ),
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
    output_quality: optional(Type.Integer({ minimum: 0, maximum: 100, description: 'Of webp and jpg; 90 by default' })),
  },
  { title: 'Input' },
);
export type PredictionInput = Static<typeof PredictionInput>;

export const PredictionBody = Type.Object({
  version: optional(
    Type.String({ maxLength: 1000, description: 'A model of /models as emoji, duet/emoji or duet/emoji:emoji' }),
  ),
  input: PredictionInput,
  webhook: optional(Type.Unsafe<unknown>({ description: 'Refused: ask for the prediction instead' })),
});
export type PredictionBody = Static<typeof PredictionBody>;

export const PredictionsQuery = Type.Object({
  cursor: optional(Type.String({ maxLength: 100, description: 'From `next` of the page before' })),
});
export type PredictionsQuery = Static<typeof PredictionsQuery>;

export const FileBody = Type.Object({
  content: Type.Unsafe<unknown>({ description: 'The picture, as a file of a form' }),
});
export type FileBody = Static<typeof FileBody>;
