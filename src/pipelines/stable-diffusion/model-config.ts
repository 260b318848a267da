/** What a Stable Diffusion folder says about its networks, in Duet's words. */
import type { Static, TSchema } from 'typebox';
import { Value } from 'typebox/value';
import { type AutoencoderConfig, downsamplingFactor } from '../../autoencoder/index.ts';
import type { ClipTextConfig } from '../../clip/index.ts';
import { DuetError } from '../../core/errors.ts';
import type { UnetConfig } from '../../unet/index.ts';
import { autoencoderConfigFromDiffusers, diffusersAutoencoderSchema } from '../../weights/names/autoencoder.ts';
import { clipTextConfigFrom, huggingFaceClipTextSchema } from '../../weights/names/clip.ts';
import { diffusersUnetSchema, unetConfigFromDiffusers } from '../../weights/names/unet.ts';
import type { DiffusersFolder } from '../diffusers-folder.ts';

/** Pipelines of diffusers whose folders hold these networks, with nothing beside them. */
export const pipelineClasses = [
  'StableDiffusionPipeline',
  'StableDiffusionImg2ImgPipeline',
  'StableDiffusionInpaintPipeline',
  'StableDiffusionInpaintPipelineLegacy',
  'LatentConsistencyModelPipeline',
  'LatentConsistencyModelImg2ImgPipeline',
] as const;

/** What a network of 9 channels takes beside the latents: a mask and the latents of the masked picture. */
const MASK_CHANNELS = 1;

export interface StableDiffusionConfig {
  /** The folder's name. */
  readonly name: string;
  readonly unet: UnetConfig;
  readonly autoencoder: AutoencoderConfig;
  readonly text: ClipTextConfig;
  /** latent = (z - shift) factor, of the autoencoder's z. */
  readonly latentScale: { readonly factor: number; readonly shift: number };
  /** Pixels per latent pixel along one side. */
  readonly reduction: number;
  /** Side of the pictures that it was trained on, in pixels. */
  readonly imageSize: number;
  /** Whether the U-Net was trained to paint in masked parts, which it is told of. */
  readonly isInpainting: boolean;
  /** As scheduler_config.json has it. */
  readonly scheduler: Readonly<Record<string, unknown>>;
}

/**
 * @param origin the folder, for messages
 * @throws DuetError 'invalid-config' naming the component and the field at fault
 */
export function parseStableDiffusion({ name, components }: DiffusersFolder, origin: string): StableDiffusionConfig {
  const unetFile = checked(components, 'unet', diffusersUnetSchema, origin);
  const vaeFile = checked(components, 'vae', diffusersAutoencoderSchema, origin);
  const textFile = checked(components, 'text_encoder', huggingFaceClipTextSchema, origin);
  const unet = named(`${origin}/unet`, () => unetConfigFromDiffusers(unetFile));
  const autoencoder = named(`${origin}/vae`, () => autoencoderConfigFromDiffusers(vaeFile));
  const text = named(`${origin}/text_encoder`, () => clipTextConfigFrom(textFile, false));
  const { latentChannels } = autoencoder;
  const isInpainting = unet.inChannels === 2 * latentChannels + MASK_CHANNELS;
  const problem = [
    ...(unet.inChannels === latentChannels || isInpainting
      ? []
      : [
          `a U-Net of ${latentChannels} or ${2 * latentChannels + MASK_CHANNELS} channels is needed, got ${unet.inChannels}`,
        ]),
    ...(unet.outChannels === latentChannels
      ? []
      : [`the U-Net must predict ${latentChannels} channels, got ${unet.outChannels}`]),
    ...(unet.contextWidth === text.width
      ? []
      : [`the U-Net reads ${unet.contextWidth} features of a text that has ${text.width}`]),
    ...(unet.class ? ['a U-Net with class embeddings (an upscaler, unCLIP) is not drawn with here'] : []),
  ][0];
  if (problem) throw new DuetError('invalid-config', `${origin}: ${problem}`);
  const reduction = downsamplingFactor(autoencoder);
  return {
    name,
    unet,
    autoencoder,
    text,
    latentScale: { factor: vaeFile.scaling_factor ?? 0.18215, shift: vaeFile.shift_factor ?? 0 },
    reduction,
    imageSize: ([unetFile.sample_size ?? 64].flat()[0] ?? 64) * reduction,
    isInpainting,
    scheduler: components['scheduler'] ?? missing('scheduler', origin),
  };
}

function checked<S extends TSchema>(
  components: DiffusersFolder['components'],
  component: string,
  schema: S,
  origin: string,
): Static<S> {
  const file = components[component] ?? missing(component, origin);
  if (Value.Check(schema, file)) return file;
  const [first] = Value.Errors(schema, file);
  const place = `${first?.instancePath ?? ''}`.replace(/^\//, '') || 'the whole file';
  throw new DuetError('invalid-config', `${origin}/${component}: ${place} ${first?.message ?? 'is not valid'}`);
}

function missing(component: string, origin: string): never {
  throw new DuetError('invalid-config', `${origin} has no ${component}, or no configuration of it`);
}

/** Runs `read`, whose errors do not know which file they are about. */
function named<T>(place: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!DuetError.isInstance(error)) throw error;
    throw new DuetError(error.code, `${place}: ${error.message}`, { cause: error });
  }
}
