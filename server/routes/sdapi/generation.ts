/** POST /txt2img and /img2img. */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { readParameters, samplerLabels, scheduleLabels } from '../../../src/image/index.ts';
import { type ImageToImageBody, imageToImageBody, type TextToImageBody, textToImageBody } from '../../schemas/sdapi.ts';
import type { ModelInfo } from '../../types.ts';
import { type FamiliarityFields, familiarityFields, familiarityText } from '../compat/familiarity.ts';
import { formatSize, isSide, largestSide, type Size, smallestSide } from '../compat/picture-size.ts';
import { defaultQuality, renderPicture } from '../compat/render-picture.ts';
import { type DrawnSample, drawnSamples, runJob } from '../compat/run-job.ts';
import { WireFault } from '../compat/wire-fault.ts';
import { type ActiveJob, follow } from './active-jobs.ts';
import { infoOf } from './generation-info.ts';
import { imageToImageJob, modelOf, type SeededJob, sizeOf, textToImageJob } from './generation-request.ts';

const tags = ['A1111'];

export async function generationRoutes(app: FastifyInstance): Promise<void> {
  app.post<{ Body: TextToImageBody }>(
    '/txt2img',
    { schema: { tags, summary: 'Pictures of a prompt', body: textToImageBody(app.models.list()) } },
    async request => {
      const { body } = request;
      const model = modelOf(request, body);
      return generate(request, 'txt2img', body, model, textToImageJob(body, model));
    },
  );
  app.post<{ Body: ImageToImageBody }>(
    '/img2img',
    {
      schema: {
        tags,
        summary: 'Parts of a picture drawn anew, or variations of it',
        description: familiarityText('among the extra_generation_params of info, under names for people'),
        body: imageToImageBody(app.models.list()),
      },
    },
    async request => {
      const { body } = request;
      const model = modelOf(request, body);
      return generate(request, 'img2img', body, model, await imageToImageJob(body, model, request));
    },
  );
}

async function generate(
  request: FastifyRequest,
  kind: string,
  body: ImageToImageBody & TextToImageBody,
  model: ModelInfo,
  job: SeededJob,
): Promise<unknown> {
  const { activeJobs, sdapiOptions } = request.server;
  const { size, enlarged } = sizesOf(body);
  const active = activeJobs.begin(request.owner, kind);
  try {
    const { samples, seen } = await drawn(request, job, active);
    const pictures: Uint8Array[] = [];
    for (const { png } of samples)
      pictures.push(
        await renderPicture(png, { size: enlarged, format: sdapiOptions.format(), quality: defaultQuality }),
      );
    const infotexts = pictures.map(picture => readParameters(picture)?.text ?? '');
    const info = infoOf({ body, job, model, size, enlarged, samples, seen, infotexts, created: active.created });
    const images = body.send_images === false ? [] : pictures.map(picture => Buffer.from(picture).toString('base64'));
    return { images, parameters: echoOf(body, job), info: JSON.stringify(info) };
  } finally {
    activeJobs.end(active);
  }
}

/** The size that pictures are asked in, and that of the answer, which A1111's "hires fix" makes larger. */
function sizesOf(body: TextToImageBody): { size: Size; enlarged: Size } {
  const size = sizeOf(body);
  const { width, height } = size;
  if (!body.enable_hr) return { size, enlarged: size };
  const { hr_scale: scale = 2, hr_resize_x: wide = 0, hr_resize_y: high = 0 } = body;
  const factor = wide > 0 ? wide / width : high > 0 ? high / height : scale;
  const enlarged =
    wide > 0 && high > 0
      ? { width: wide, height: high }
      : { width: Math.round(width * factor), height: Math.round(height * factor) };
  if (isSide(enlarged.width) && isSide(enlarged.height)) return { size, enlarged };
  const message = `Pictures of ${formatSize(enlarged)} are not served; sides have ${smallestSide} to ${largestSide} pixels.`;
  throw new WireFault('invalid_value', wide > 0 ? 'hr_resize_x' : high > 0 ? 'hr_resize_y' : 'hr_scale', message);
}

/** The pictures; of an interrupted job, as in A1111, how far they had come. */
async function drawn(
  request: FastifyRequest,
  job: SeededJob,
  active: ActiveJob,
): Promise<{ readonly samples: DrawnSample[]; readonly seen: FamiliarityFields }> {
  const { signal } = active.controller;
  try {
    const result = await runJob(request, job, { signal, onEvent: event => follow(active, event) });
    return { samples: drawnSamples(result), seen: familiarityFields(result) };
  } catch (error) {
    if (!signal.aborted) throw error;
    return { samples: active.previews.map((png, index) => ({ seed: job.seed + index, png })), seen: {} };
  }
}

/** The request as it was understood, with the sampler and schedule that ran; pictures only if the client wants them back. */
function echoOf(body: ImageToImageBody, { solver = 'dpm-multistep', noiseSchedule }: SeededJob): unknown {
  const scheduler = noiseSchedule ? scheduleLabels[noiseSchedule] : 'Automatic';
  const understood = { ...body, sampler_name: samplerLabels[solver], scheduler };
  return body.include_init_images === true ? understood : { ...understood, init_images: undefined, mask: undefined };
}
