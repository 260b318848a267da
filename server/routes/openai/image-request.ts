/** What the three image routes ask of the library: the only place where OpenAI's names become ours. */

import type { FastifyRequest } from 'fastify';
import sharp from 'sharp';
import { stepsOf } from '../../jobs/requests.ts';
import type { JobMode, JobOptions, JobRequest } from '../../jobs/types.ts';
import {
  type ChatBody,
  defaultEditStrength,
  type ImageEditBody,
  type ImageGenerationBody,
  type ImageOutput,
  type ImageVariationBody,
  openaiNames,
} from '../../schemas/openai.ts';
import { readOptions, servedOptions } from '../../schemas/option-fields.ts';
import type { ModelInfo } from '../../types.ts';
import { parseSize, sizeOptions } from '../compat/picture-size.ts';
import { pictureOf } from '../compat/read-picture.ts';
import { readSolver } from '../compat/solver-names.ts';
import { WireFault } from '../compat/wire-fault.ts';

/** The model that a request names; the default one if it names none. */
export function modelOf({ server }: FastifyRequest, name: string | undefined): ModelInfo {
  const model = name === undefined || name === '' ? server.models.list()[0] : server.models.get(name);
  if (model) return model;
  const served = server.models.list().map(({ id }) => id);
  throw new WireFault(
    'model_not_found',
    'model',
    `The model '${name?.slice(0, 100)}' does not exist. Served: ${served.join(', ')}.`,
  );
}

/** The options that the mode has, under the library's names; what is sent for other modes means nothing here. */
export function samplingOf(
  body: Pick<ChatBody, 'scheduler' | 'sampler'> & Readonly<Record<string, unknown>>,
  model: ModelInfo,
  mode: JobMode,
): JobOptions & { readonly model: string } {
  const solver = { ...readSolver('sampler', body.sampler), ...readSolver('scheduler', body.scheduler) };
  const options = readOptions(body, servedOptions([model], [mode]), openaiNames);
  return { ...solver, ...options, model: model.id };
}

/** Previews that fall evenly between start and end, as many as asked for where the steps suffice. */
export function previewsOf(
  { stream, partial_images = 0 }: Pick<ImageOutput, 'stream' | 'partial_images'>,
  steps: number,
): JobOptions {
  if (!stream || partial_images === 0) return {};
  return { previewEvery: Math.max(1, Math.ceil(steps / (partial_images + 1))) };
}

function drawing(body: ImageOutput, model: ModelInfo, mode: JobMode): JobOptions & { readonly model?: string } {
  const sampling = samplingOf(body, model, mode);
  const size = sizeOptions(parseSize(body.size), model, mode);
  return { ...sampling, ...size, ...previewsOf(body, stepsOf({ mode, ...sampling }, model)) };
}

export function generationJob(body: ImageGenerationBody, model: ModelInfo): JobRequest {
  const mode = body.mode ?? 't2i';
  const prompt = body.prompt?.trim() ?? '';
  if (mode !== 't2i') return { ...drawing(body, model, mode), mode };
  if (prompt === '') {
    const message = "Missing required parameter: 'prompt'. For pictures of no prompt set mode to 'i' or 'joint'.";
    throw new WireFault('missing_required_parameter', 'prompt', message);
  }
  return { ...drawing(body, model, mode), mode, prompt };
}

/** With a mask: inpainting. Without one the whole picture follows the prompt, from as much of it as `strength` leaves. */
export async function editJob(body: ImageEditBody, model: ModelInfo, request: FastifyRequest): Promise<JobRequest> {
  const image = await requiredPicture(body, request);
  const mask = (await pictureOf(request, 'mask', body.mask)) ?? ((await hasTransparency(image)) ? image : undefined);
  const prompt = body.prompt?.trim();
  const asked = { image, ...(prompt && { prompt }) };
  if (mask) return { ...drawing(body, model, 'inpaint'), ...asked, mode: 'inpaint', mask };
  if (prompt) {
    return { strength: defaultEditStrength, ...drawing(body, model, 'i2t2i'), ...asked, mode: 'i2t2i' };
  }
  const message =
    "Missing required parameter: 'prompt'. An edit needs a prompt, or a mask that says what is drawn anew.";
  throw new WireFault('missing_required_parameter', 'prompt', message);
}

export async function variationJob(
  body: ImageVariationBody,
  model: ModelInfo,
  request: FastifyRequest,
): Promise<JobRequest> {
  const image = await requiredPicture(body, request);
  return { ...drawing(body, model, 'i2t2i'), mode: 'i2t2i', image };
}

async function requiredPicture({ image, images }: ImageVariationBody, request: FastifyRequest): Promise<Uint8Array> {
  const given = images === undefined ? image : [image, images].flat();
  const picture = await pictureOf(request, images === undefined ? 'image' : 'images', given);
  if (picture) return picture;
  throw new WireFault('missing_required_parameter', 'image', "Missing required parameter: 'image'.");
}

/** A picture's own transparency serves as the mask, as in OpenAI's API. */
async function hasTransparency(image: Uint8Array): Promise<boolean> {
  const { hasAlpha } = await sharp(image).metadata();
  return hasAlpha && !(await sharp(image).stats()).isOpaque;
}
