/** POST /extra-single-image and /extra-batch-images: pictures enlarged, without any model. */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import sharp, { type KernelEnum, type ResizeOptions } from 'sharp';
import { ExtraBatchBody, ExtraSingleBody, type ExtrasOptions } from '../../schemas/sdapi.ts';
import { pictureOf } from '../compat/read-picture.ts';
import { defaultQuality } from '../compat/render-picture.ts';
import { WireFault } from '../compat/wire-fault.ts';

const tags = ['A1111'];
/** A1111's upscalers that need no network. `None` leaves the picture as it is. */
const kernels = { None: undefined, Lanczos: 'lanczos3', Nearest: 'nearest' } as const satisfies Record<
  string,
  keyof KernelEnum | undefined
>;
export const upscalerNames = Object.keys(kernels) as readonly (keyof typeof kernels)[];

export async function extrasRoutes(app: FastifyInstance): Promise<void> {
  app.post<{ Body: ExtraSingleBody }>(
    '/extra-single-image',
    { schema: { tags, summary: 'A picture enlarged', body: ExtraSingleBody } },
    async request => ({ html_info: '', image: await enlarge(request, request.body, 'image', request.body.image) }),
  );
  app.post<{ Body: ExtraBatchBody }>(
    '/extra-batch-images',
    { schema: { tags, summary: 'Pictures enlarged', body: ExtraBatchBody } },
    async request => {
      const images: string[] = [];
      // One after the other: many large pictures at once would be a lot of memory.
      for (const [index, { data }] of request.body.imageList.entries()) {
        images.push(await enlarge(request, request.body, `imageList[${index}].data`, data));
      }
      return { html_info: '', images };
    },
  );
}

/** Base64 of the picture in the format of the options. */
async function enlarge(request: FastifyRequest, options: ExtrasOptions, field: string, given: unknown) {
  const kernel = kernelOf(options);
  const bytes = await pictureOf(request, field, given);
  if (!bytes) throw new WireFault('not_found', field, 'Image not found');
  const picture = sharp(bytes).autoOrient();
  const { width, height } = (await picture.metadata()).autoOrient;
  if (kernel) picture.resize({ kernel, ...targetOf(options, { width, height }, request.server.config.maxPixels) });
  const file = await picture.toFormat(request.server.sdapiOptions.format(), { quality: defaultQuality }).toBuffer();
  return file.toString('base64');
}

function kernelOf({ upscaler_1: name = 'None', ...others }: ExtrasOptions): keyof KernelEnum | undefined {
  for (const [field, strength] of [
    ['gfpgan_visibility', others.gfpgan_visibility],
    ['codeformer_visibility', others.codeformer_visibility],
    ['extras_upscaler_2_visibility', others.upscaler_2 === 'None' ? 0 : others.extras_upscaler_2_visibility],
  ] as const) {
    if (strength) throw new WireFault('unsupported_value', field, `'${field}' is served as 0 alone, got ${strength}.`);
  }
  const known = upscalerNames.find(upscaler => upscaler.toLowerCase() === name.trim().toLowerCase());
  if (known) return kernels[known];
  const message = `Upscaler not found: ${name.slice(0, 40)}. Upscalers: ${upscalerNames.join(', ')}.`;
  throw new WireFault('not_found', 'upscaler_1', message);
}

/** By a factor or, in resize mode 1, so that the wanted size is covered; what sticks out is cut off unless told otherwise. */
function targetOf(
  options: ExtrasOptions,
  from: { readonly width: number; readonly height: number },
  maxPixels: number,
): ResizeOptions {
  const { resize_mode: mode = 0, upscaling_resize: factor = 2, upscaling_crop: crop = true } = options;
  const { upscaling_resize_w: wide = 512, upscaling_resize_h: high = 512 } = options;
  const sides =
    mode === 1
      ? { width: wide, height: high }
      : { width: scaled(from.width, factor), height: scaled(from.height, factor) };
  if (sides.width * sides.height > maxPixels) {
    const message = `${sides.width} x ${sides.height} pixels are more than ${maxPixels}; ask for a smaller picture.`;
    throw new WireFault('invalid_value', mode === 1 ? 'upscaling_resize_w' : 'upscaling_resize', message);
  }
  return { ...sides, fit: mode === 0 ? 'fill' : crop ? 'cover' : 'outside' };
}

function scaled(side: number, factor: number): number {
  return Math.max(1, Math.round(side * factor));
}
