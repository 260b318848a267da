/**
 * A model folder's config.json: the networks' configurations and what ties them together. Training writes it,
 * `Duet.load` reads it; unknown keys are errors.
 */
import Type, { type Static } from 'typebox';
import { Value } from 'typebox/value';
import { autoencoderConfigSchema } from '../../autoencoder/index.ts';
import { clipConfigSchema } from '../../clip/index.ts';
import { DuetError } from '../../core/errors.ts';
import { captionDecoderConfigSchema } from '../../lm/index.ts';
import { jointUvitConfigSchema } from '../../uvit/index.ts';
import { diffusionSchema } from './diffusion-config.ts';
import { checkModelUnet, modelUnetSchema } from './unet-config.ts';

const closed = { additionalProperties: false } as const;
const positive = Type.Integer({ minimum: 1 });

/** Mean and standard deviation per channel; the U-ViT sees (latent - mean) / std. */
const latentStatisticsSchema = Type.Object(
  { mean: Type.Array(Type.Number()), std: Type.Array(Type.Number({ exclusiveMinimum: 0 })) },
  closed,
);
export type LatentStatistics = Static<typeof latentStatisticsSchema>;

export const modelConfigSchema = Type.Object(
  {
    format: Type.Literal('duet-model-1'),
    family: Type.Literal('unidiffuser'),
    name: Type.String(),
    /** Side of the pictures in pixels; both the autoencoder and CLIP take this size. */
    imageSize: positive,
    /** Positions of a framed caption. */
    textTokens: positive,
    autoencoder: autoencoderConfigSchema,
    clip: clipConfigSchema,
    captionDecoder: captionDecoderConfigSchema,
    uvit: jointUvitConfigSchema,
    diffusion: diffusionSchema,
    /** `image`: per autoencoder channel; `clip`: per feature; `text`: per channel of the prefix. */
    latents: Type.Object(
      { image: latentStatisticsSchema, clip: latentStatisticsSchema, text: latentStatisticsSchema },
      closed,
    ),
    /** A second network that draws pictures. @default the U-ViT draws them all */
    unet: Type.Optional(modelUnetSchema),
    /** Captions that show what the model can do. */
    examples: Type.Optional(Type.Array(Type.String())),
    /** Defaults of sampling, chosen by evaluation. */
    sampling: Type.Object(
      {
        steps: positive,
        /** In diffusers' convention: 1 is off. */
        guidance: Type.Object({ t2i: Type.Number(), i2t: Type.Number(), joint: Type.Number() }, closed),
        /** How pictures are imagined, with and without captions. @default 'together' */
        order: Type.Optional(Type.Union([Type.Literal('together'), Type.Literal('text-first')])),
      },
      closed,
    ),
    /**
     * Tells pictures that look unlike what the model has learnt: those whose familiarity (sampling/familiarity.ts), with the
     * noise of timestep `timestep`, is below `threshold`, in dB. Chosen by evaluation; without it no verdict is given.
     */
    familiarity: Type.Optional(
      Type.Object(
        { timestep: Type.Number({ exclusiveMinimum: 0, exclusiveMaximum: 1000 }), threshold: Type.Number() },
        closed,
      ),
    ),
  },
  closed,
);
export type ModelConfig = Static<typeof modelConfigSchema>;

/**
 * Checks parsed JSON. Configurations that were written before there were several families have no `family`, and call the
 * discrete table a whole one. Throws DuetError 'invalid-config' naming the place and `origin`.
 */
export function parseModelConfig(json: unknown, origin: string): ModelConfig {
  const value = isObject(json) ? withPresentNames({ family: 'unidiffuser', ...json }) : json;
  if (!Value.Check(modelConfigSchema, value)) {
    const [first] = Value.Errors(modelConfigSchema, value);
    const place = first?.instancePath || 'the whole file';
    throw new DuetError('invalid-config', `${origin}: ${place} ${first?.message ?? 'is not valid'}`);
  }
  for (const [part, { mean, std }] of Object.entries(value.latents)) {
    if (mean.length !== std.length) {
      throw new DuetError('invalid-config', `${origin}: latents.${part} has ${mean.length} means, ${std.length} stds`);
    }
  }
  checkModelUnet(value, origin);
  return value;
}

function withPresentNames(config: { readonly family: string; readonly diffusion?: unknown }): object {
  const { diffusion } = config;
  if (!isObject(diffusion) || !('schedule' in diffusion) || !isObject(diffusion.schedule)) return config;
  const { schedule } = diffusion;
  if (!('kind' in schedule) || schedule.kind !== 'whole-table') return config;
  return { ...config, diffusion: { ...diffusion, schedule: { ...schedule, kind: 'discrete-table' } } };
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
