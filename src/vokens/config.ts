/** Sizes of the feature mapper from vokens to the conditioning of a U-Net. */
import Type from 'typebox';

const size = Type.Integer({ minimum: 1 });

export const vokenMapperConfigSchema = Type.Object(
  {
    /** Width of the language model's states. */
    inputWidth: size,
    /** Width of the mapper and of the U-Net's context. */
    width: size,
    heads: size,
    encoderLayers: size,
    decoderLayers: size,
    /** Vectors that the U-Net looks at, one for each learned query. */
    queries: size,
  },
  { additionalProperties: false },
);

export type VokenMapperConfig = Type.Static<typeof vokenMapperConfigSchema>;
