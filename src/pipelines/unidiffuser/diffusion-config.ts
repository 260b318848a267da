/** How config.json says what a network predicts, and along which noise levels. */
import Type, { type Static } from 'typebox';

const closed = { additionalProperties: false } as const;

const scheduleSchema = Type.Union([
  Type.Object({ kind: Type.Literal('cosine'), lambdaMax: Type.Optional(Type.Number()) }, closed),
  Type.Object({ kind: Type.Literal('continuous-table') }, closed),
  Type.Object({ kind: Type.Literal('discrete-table') }, closed),
  Type.Object({ kind: Type.Literal('vp-linear') }, closed),
]);

export const diffusionSchema = Type.Object(
  {
    prediction: Type.Union([Type.Literal('v'), Type.Literal('epsilon'), Type.Literal('sample')]),
    schedule: scheduleSchema,
  },
  closed,
);
export type DiffusionConfig = Static<typeof diffusionSchema>;
