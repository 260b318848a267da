/** Sizes of the KL autoencoder. */
import Type, { type Static } from 'typebox';

const positive = Type.Integer({ minimum: 1 });

export const autoencoderConfigSchema = Type.Object(
  {
    /** Colour channels in and out. */
    inChannels: positive,
    latentChannels: positive,
    /** Features at full resolution; level i has channels * channelMultipliers[i]. */
    channels: positive,
    /** One per level; the resolution halves between levels. */
    channelMultipliers: Type.Array(Type.Number({ exclusiveMinimum: 0 }), { minItems: 1 }),
    /** Residual blocks of a level of the encoder; the decoder has one more. */
    blocksPerLevel: positive,
    /** Groups of the group normalisations; must divide the channels of every level. */
    normGroups: positive,
    /** Self-attention at the lowest resolution. @default true */
    midAttention: Type.Optional(Type.Boolean()),
    /** Pixels are first folded p x p into channels, so that everything works at 1 / p of the resolution. @default 1 */
    patchSize: Type.Optional(positive),
  },
  { additionalProperties: false },
);
export type AutoencoderConfig = Static<typeof autoencoderConfigSchema>;

/** Features of each level, highest resolution first. */
export function levelWidths({ channels, channelMultipliers }: AutoencoderConfig): number[] {
  return channelMultipliers.map(multiplier => Math.round(channels * multiplier));
}

/** Pixels per latent pixel along one side. */
export function downsamplingFactor({ channelMultipliers, patchSize = 1 }: AutoencoderConfig): number {
  return patchSize * 2 ** (channelMultipliers.length - 1);
}
