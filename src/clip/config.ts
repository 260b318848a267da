/** Sizes of CLIP's two towers (Radford et al. 2021). */
import Type from 'typebox';

const size = Type.Integer({ minimum: 1 });
const activation = Type.Union([Type.Literal('quick'), Type.Literal('erf'), Type.Literal('tanh')]);

const towerFields = {
  width: size,
  layers: size,
  heads: size,
  mlpWidth: size,
  /** OpenAI's weights use `quick`, OpenCLIP's (and Stable Diffusion 2) `erf`. */
  activation,
  epsilon: Type.Number({ exclusiveMinimum: 0 }),
  /** Width of the feature shared by both towers; absent: no projection. */
  projection: Type.Optional(size),
};

const clipTextConfigSchema = Type.Object(
  { ...towerFields, vocabularySize: size, positions: size },
  { additionalProperties: false },
);

const clipVisionConfigSchema = Type.Object(
  { ...towerFields, imageSize: size, patchSize: size, channels: size },
  { additionalProperties: false },
);

export const clipConfigSchema = Type.Object(
  { text: clipTextConfigSchema, vision: clipVisionConfigSchema },
  { additionalProperties: false },
);

export type ClipTextConfig = Type.Static<typeof clipTextConfigSchema>;
export type ClipVisionConfig = Type.Static<typeof clipVisionConfigSchema>;
export type ClipConfig = Type.Static<typeof clipConfigSchema>;
