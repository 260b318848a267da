/**
 * What config.json says of a convolutional U-Net beside the U-ViT: it draws the latents of a picture from the states of its
 * caption in CLIP's text tower (Rombach et al., arXiv 2112.10752), and knows neither captions without pictures nor CLIP's
 * embeddings of pictures.
 */
import Type, { type Static } from 'typebox';
import { DuetError } from '../../core/errors.ts';
import { solverNames } from '../../sampler/index.ts';
import { type UnetConfig, unetConfigSchema } from '../../unet/index.ts';
import { diffusionSchema } from './diffusion-config.ts';
import type { ModelConfig } from './model-config.ts';

const closed = { additionalProperties: false } as const;

/** Calls whose pictures can be drawn from a caption alone, given or found on the way. */
export const drawableModes = ['t2i', 'joint', 'i', 'i2t2i', 'inpaint'] as const;

export const modelUnetSchema = Type.Object(
  {
    network: unetConfigSchema,
    /** Of normalised image latents, as those of the U-ViT are. */
    diffusion: diffusionSchema,
    /**
     * What the network takes as features of its class, if it takes some: the mean of the text states at all `textTokens`
     * positions, those behind the caption's end included.
     */
    features: Type.Optional(Type.Literal('mean')),
    /** Defaults of the calls that it draws. */
    sampling: Type.Object(
      {
        steps: Type.Integer({ minimum: 1 }),
        /** In diffusers' convention: 1 is off. */
        guidance: Type.Number({ minimum: 0 }),
        /** @default 'dpm-multistep' */
        solver: Type.Optional(Type.Enum([...solverNames])),
      },
      closed,
    ),
    /**
     * The fraction of the timesteps from which it finishes pictures that the U-ViT has composed; they are noised that far
     * again. @default 1: it draws from noise alone
     */
    finishesFrom: Type.Optional(Type.Number({ exclusiveMinimum: 0, maximum: 1 })),
    /** The calls whose pictures it draws unless the U-ViT is asked for. */
    draws: Type.Array(Type.Enum([...drawableModes])),
  },
  closed,
);
export type ModelUnet = Static<typeof modelUnetSchema>;

/**
 * What the network must be for the model.
 * @param place of its configuration, for messages
 * @param model what needs it to be so, for messages
 * @throws DuetError 'invalid-config'
 */
export function checkUnetFits(
  network: UnetConfig,
  { autoencoder, clip }: Pick<ModelConfig, 'autoencoder' | 'clip'>,
  { place, model }: { readonly place: string; readonly model: string },
): void {
  const { latentChannels } = autoencoder;
  const { width } = clip.text;
  const wanted = {
    inChannels: latentChannels,
    outChannels: latentChannels,
    contextWidth: width,
    guidanceWidth: undefined,
  };
  for (const [key, value] of Object.entries(wanted) as [keyof typeof wanted, number | undefined][]) {
    if (network[key] === value) continue;
    throw new DuetError(
      'invalid-config',
      `${place}.${key} is ${network[key] ?? 'absent'}, ${model} needs ${value ?? 'none'}`,
    );
  }
  const { class: own } = network;
  if (!own || (own.kind === 'features' && own.width === width)) return;
  throw new DuetError(
    'invalid-config',
    `${place}.class is ${JSON.stringify(own)}; leave it out, or give it the mean of the text states: ` +
      `{"kind": "features", "width": ${width}, "map": "mlp"}`,
  );
}

/** Throws DuetError 'invalid-config' naming `origin` if the parts of the configuration contradict one another. */
export function checkModelUnet(config: ModelConfig, origin: string): void {
  const { unet, sampling } = config;
  if (!unet) return;
  checkUnetFits(unet.network, config, { place: `${origin}: unet.network`, model: 'the model' });
  if ((unet.network.class === undefined) !== (unet.features === undefined)) {
    const needed = unet.network.class
      ? '"mean", as unet.network.class is there'
      : 'left out, as unet.network has no class';
    throw new DuetError('invalid-config', `${origin}: unet.features must be ${needed}`);
  }
  const imagined = unet.draws.find(mode => mode === 'joint' || mode === 'i');
  if (imagined && sampling.order !== 'text-first') {
    throw new DuetError(
      'invalid-config',
      `${origin}: unet.draws has ${imagined}, which needs sampling.order "text-first": a U-Net draws what a caption says`,
    );
  }
}
