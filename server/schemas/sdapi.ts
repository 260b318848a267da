/**
 * Bodies of the A1111 family as they go over the wire: the fields that mean something here. The dozens of others that its
 * clients send are ignored, and null is absent; both are `bodyValidator`'s doing.
 */
import Type, { type Static } from 'typebox';
import { type Limits, longestText } from '../../src/pipelines/index.ts';
import type { ModelInfo } from '../types.ts';
import { type OptionNames, optionFields, servedOptions } from './option-fields.ts';

const optional = Type.Optional;
const text = (description: string) => optional(Type.String({ maxLength: longestText, description }));
const picture = (description: string) => optional(Type.String({ description }));
const side = Type.Integer({
  minimum: 16,
  maximum: 2048,
  description:
    'Pixels, 512 by default; a model that draws squares of one size has them enlarged or shrunk to this, others draw in the ' +
    'nearest size that they can',
});
const name = Type.String({ maxLength: 200 });

/** A1111's own. */
export const defaultStrength = 0.75;

/** What A1111 calls the options and inputs of calls; solver, n and previews it says in ways of its own. */
export const generationNames: OptionNames = {
  guidance: ['cfg_scale'],
  strength: ['denoising_strength'],
  n: [],
  solver: [],
  previewEvery: [],
  priority: [],
  width: [],
  height: [],
  image: ['init_images'],
};

/** Modes that pictures are drawn by, without and with a picture to begin with. */
export const drawingModes = { txt2img: ['t2i', 'i'], img2img: ['t2i', 'i2t2i', 'inpaint'] } as const;

const strengthText = `How much of the picture, or of its masked part, may change; 1 keeps nothing of it. Default: ${defaultStrength}`;

function generation(models: readonly ModelInfo[], kind: keyof typeof drawingModes) {
  const options = servedOptions(models, drawingModes[kind]);
  const { maximum } = (options['n'] ?? {}) as Limits; // none where no model draws
  const count = (description: string) =>
    optional(Type.Integer({ minimum: 1, ...(maximum !== undefined && { maximum }), description }));
  return {
    prompt: text('What the pictures show; without it they are drawn out of nothing'),
    ...optionFields(options, generationNames, { strength: strengthText }),
    width: optional(side),
    height: optional(side),
    batch_size: count('Pictures at a time'),
    n_iter: count(`batch_size x n_iter pictures are made${maximum === undefined ? '' : `, at most ${maximum}`}`),
    sampler_name: optional(
      Type.String({
        maxLength: 200,
        description:
          "Any of A1111's samplers in any spelling. Those of /samplers are real; the nearest one stands in for others, " +
          "and the answer's info and parameters name the one that ran",
      }),
    ),
    sampler_index: optional(Type.String({ maxLength: 200, description: 'Older name of sampler_name' })),
    scheduler: optional(
      Type.String({ maxLength: 200, description: 'Any schedule type of A1111; Automatic stands in for all' }),
    ),
    override_settings: optional(Type.Object({ sd_model_checkpoint: optional(Type.Union([name, Type.Null()])) })),
    send_images: optional(Type.Boolean()),
    script_name: optional(Type.String({ maxLength: 200, description: 'None: there are no scripts, see /scripts' })),
  };
}

export function textToImageBody(models: readonly ModelInfo[]) {
  return Type.Object({
    ...generation(models, 'txt2img'),
    enable_hr: optional(Type.Boolean({ description: 'Enlarge the pictures (Lanczos) after they are drawn' })),
    hr_scale: optional(Type.Number({ exclusiveMinimum: 0, maximum: 16, description: 'By so much; 2 by default' })),
    hr_resize_x: optional(
      Type.Integer({ minimum: 0, description: 'To so many pixels instead; 0: as hr_resize_y says' }),
    ),
    hr_resize_y: optional(Type.Integer({ minimum: 0, description: '0: as hr_resize_x says' })),
  });
}

export function imageToImageBody(models: readonly ModelInfo[]) {
  return Type.Object({
    ...generation(models, 'img2img'),
    init_images: optional(
      Type.Array(Type.String(), {
        maxItems: 16,
        description: 'Base64 or a data URL; more than one picture is refused',
      }),
    ),
    mask: picture('Where it is white the picture is drawn anew, the rest is kept; without a mask all of it may change'),
    inpainting_mask_invert: optional(Type.Boolean({ description: '1 or true: where the mask is black instead' })),
    include_init_images: optional(Type.Boolean()),
  });
}

const share = Type.Number({ minimum: 0, maximum: 1 });

const extras = {
  resize_mode: optional(
    Type.Integer({ minimum: 0, maximum: 1, description: '0: by upscaling_resize; 1: to upscaling_resize_w and _h' }),
  ),
  upscaling_resize: optional(
    Type.Number({ exclusiveMinimum: 0, maximum: 16, description: 'The factor; 2 by default' }),
  ),
  upscaling_resize_w: optional(Type.Integer({ minimum: 1, maximum: 16_384, description: '512 by default' })),
  upscaling_resize_h: optional(Type.Integer({ minimum: 1, maximum: 16_384, description: '512 by default' })),
  upscaling_crop: optional(
    Type.Boolean({ description: 'Whether what goes beyond the size is cut off; true by default' }),
  ),
  upscaler_1: optional(
    Type.String({ maxLength: 200, description: 'One of /upscalers; None leaves the picture as it is' }),
  ),
  upscaler_2: optional(Type.String({ maxLength: 200, description: 'Not served: leave it, or its visibility 0' })),
  extras_upscaler_2_visibility: optional(share),
  gfpgan_visibility: optional(
    Type.Number({ minimum: 0, maximum: 1, description: 'Not served: faces are not restored' }),
  ),
  codeformer_visibility: optional(share),
};

export const ExtraSingleBody = Type.Object({ ...extras, image: picture('Base64 or a data URL') });

export const ExtraBatchBody = Type.Object({
  ...extras,
  imageList: Type.Array(Type.Object({ data: Type.String({ description: 'Base64 or a data URL' }) }), { maxItems: 64 }),
});

export const OptionsBody = Type.Object({
  sd_model_checkpoint: optional(name),
  samples_format: optional(Type.String({ maxLength: 20 })),
});

export const InterrogateBody = Type.Object({
  image: picture('Base64 or a data URL'),
  model: text('Accepted and ignored: the served model describes'),
});

export const PngInfoBody = Type.Object({
  image: picture('Base64 or a data URL of a picture with its parameters inside'),
});

export const ProgressQuery = Type.Object({ skip_current_image: optional(Type.Boolean()) });

/** The checked body of txt2img; options have their fields beside these. */
export interface TextToImageBody extends Readonly<Record<string, unknown>> {
  readonly prompt?: string;
  readonly negative_prompt?: string;
  readonly seed?: number;
  readonly width?: number;
  readonly height?: number;
  readonly batch_size?: number;
  readonly n_iter?: number;
  readonly sampler_name?: string;
  readonly sampler_index?: string;
  readonly scheduler?: string;
  readonly script_name?: string;
  readonly enable_hr?: boolean;
  readonly hr_scale?: number;
  readonly hr_resize_x?: number;
  readonly hr_resize_y?: number;
  readonly override_settings?: { readonly sd_model_checkpoint?: string | null };
  readonly send_images?: boolean;
}

export interface ImageToImageBody extends TextToImageBody {
  readonly init_images?: readonly string[];
  readonly mask?: string;
  readonly inpainting_mask_invert?: boolean;
  readonly denoising_strength?: number;
  readonly include_init_images?: boolean;
}
export type ExtraSingleBody = Static<typeof ExtraSingleBody>;
export type ExtraBatchBody = Static<typeof ExtraBatchBody>;
/** What both ways of enlarging have in common. */
export type ExtrasOptions = Omit<ExtraSingleBody, 'image'>;
export type OptionsBody = Static<typeof OptionsBody>;
export type InterrogateBody = Static<typeof InterrogateBody>;
export type PngInfoBody = Static<typeof PngInfoBody>;
export type ProgressQuery = Static<typeof ProgressQuery>;
