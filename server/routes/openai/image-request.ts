/** What the three image routes ask of the library: the only place where OpenAI's names become ours. */

import type { FastifyRequest } from 'fastify';
import sharp from 'sharp';
import type { JobRequest } from '../../jobs/types.ts';
import type {
  ChatBody,
  ImageEditBody,
  ImageGenerationBody,
  ImageOutput,
  ImageVariationBody,
} from '../../schemas/openai.ts';
import type { ModelInfo } from '../../types.ts';
import { present } from '../compat/present.ts';
import { pictureOf } from '../compat/read-picture.ts';
import { namedSolvers, solverOf } from '../compat/solver-names.ts';
import { WireFault } from '../compat/wire-fault.ts';

type Sampling = Pick<
  ChatBody,
  | 'model'
  | 'n'
  | 'seed'
  | 'num_inference_steps'
  | 'steps'
  | 'guidance_scale'
  | 'cfg_scale'
  | 'scheduler'
  | 'sampler'
  | 'negative_prompt'
>;

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

/** How to sample, under the library's names. */
export function samplingOf(body: Sampling, model: ModelInfo): Partial<JobRequest> {
  return present({
    model: model.id,
    n: body.n,
    seed: body.seed === -1 ? undefined : body.seed,
    steps: body.num_inference_steps ?? body.steps,
    guidance: body.guidance_scale ?? body.cfg_scale,
    solver: readSolver(body.scheduler ?? body.sampler),
    negativePrompt: body.negative_prompt || undefined,
  });
}

function readSolver(name: string | undefined): JobRequest['solver'] {
  if (name === undefined || name === '') return undefined;
  const solver = solverOf(name);
  if (solver) return solver;
  const known = namedSolvers.map(named => `${named.solver} (${named.label})`).join(', ');
  throw new WireFault('unsupported_value', 'scheduler', `Unknown scheduler '${name.slice(0, 40)}'. Known: ${known}.`);
}

/** Previews that fall evenly between start and end, as many as asked for where the steps suffice. */
function previewsOf({ stream, partial_images = 0 }: ImageOutput, steps: number): Partial<JobRequest> {
  if (!stream || partial_images === 0) return {};
  return { previewEvery: Math.max(1, Math.ceil(steps / (partial_images + 1))) };
}

function drawing(body: ImageOutput, model: ModelInfo): Partial<JobRequest> {
  const sampling = samplingOf(body, model);
  return { ...sampling, ...previewsOf(body, sampling.steps ?? model.defaults.steps) };
}

export function generationJob(body: ImageGenerationBody, model: ModelInfo): JobRequest {
  const mode = body.mode ?? 't2i';
  const prompt = body.prompt?.trim() ?? '';
  if (mode !== 't2i') return { ...drawing(body, model), mode };
  if (prompt === '') {
    const message = "Missing required parameter: 'prompt'. For pictures of no prompt set mode to 'i' or 'joint'.";
    throw new WireFault('missing_required_parameter', 'prompt', message);
  }
  return { ...drawing(body, model), mode, prompt };
}

export async function editJob(body: ImageEditBody, model: ModelInfo, request: FastifyRequest): Promise<JobRequest> {
  const image = await requiredPicture(body, request);
  const mask = (await pictureOf(request, 'mask', body.mask)) ?? (await maskWithin(image));
  const prompt = body.prompt?.trim();
  return { ...drawing(body, model), mode: 'inpaint', image, mask, ...(prompt && { prompt }) };
}

export async function variationJob(
  body: ImageVariationBody,
  model: ModelInfo,
  request: FastifyRequest,
): Promise<JobRequest> {
  return { ...drawing(body, model), mode: 'i2t2i', image: await requiredPicture(body, request) };
}

async function requiredPicture(body: ImageVariationBody, request: FastifyRequest): Promise<Uint8Array> {
  const image = await pictureOf(request, 'image', body.image ?? body['image[]']);
  if (!image) throw new WireFault('missing_required_parameter', 'image', "Missing required parameter: 'image'.");
  return image;
}

/** A picture's own transparency serves as the mask, as in OpenAI's API. */
async function maskWithin(image: Uint8Array): Promise<Uint8Array> {
  const { hasAlpha } = await sharp(image).metadata();
  if (hasAlpha && !(await sharp(image).stats()).isOpaque) return image;
  const message =
    "Missing required parameter: 'mask'. This model draws anew what a mask (or the picture's own transparency) leaves " +
    'open; for variations of a whole picture use /v1/images/variations.';
  throw new WireFault('missing_required_parameter', 'mask', message);
}
