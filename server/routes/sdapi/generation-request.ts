/** What txt2img and img2img ask of the library: the only place where A1111's names become ours. */
import type { FastifyRequest } from 'fastify';
import sharp from 'sharp';
import { drawSeed, type Limits } from '../../../src/pipelines/index.ts';
import type { JobMode, JobRequest } from '../../jobs/types.ts';
import { readOptions, servedOptions } from '../../schemas/option-fields.ts';
import { defaultStrength, generationNames, type ImageToImageBody, type TextToImageBody } from '../../schemas/sdapi.ts';
import type { ModelInfo } from '../../types.ts';
import { type Size, sizeOptions } from '../compat/picture-size.ts';
import { pictureOf } from '../compat/read-picture.ts';
import {
  chooseSchedule,
  chooseSolver,
  fieldsOf,
  type SolverFields,
  scheduleHelp,
  solverHelp,
  withSchedule,
} from '../compat/solver-names.ts';
import { WireFault } from '../compat/wire-fault.ts';

/** A1111's default sides. */
const defaultSide = 512;

/** The size that pictures are asked in. */
export function sizeOf({ width = defaultSide, height = defaultSide }: TextToImageBody): Size {
  return { width, height };
}

/** As often as A1111 shows live previews by default. */
const stepsPerPreview = 10;

/** A request that knows its seed: also what was interrupted is told with it. */
export type SeededJob = JobRequest & { readonly seed: number };

/** The model that the request overrides the chosen one with, or the chosen one. */
export function modelOf(request: FastifyRequest, body: TextToImageBody): ModelInfo {
  const name = body.override_settings?.sd_model_checkpoint || request.server.sdapiOptions.checkpoint();
  const model = request.server.models.get(name);
  if (model) return model;
  throw new WireFault('model_not_found', 'sd_model_checkpoint', `Checkpoint not found: ${name.slice(0, 60)}`);
}

export function textToImageJob(body: TextToImageBody, model: ModelInfo): SeededJob {
  const prompt = body.prompt?.trim() ?? '';
  // A model that imagines nothing by itself draws what an empty prompt says to it.
  if (prompt === '' && model.calls['i']) return samplingOf(body, model, 'i');
  return { ...samplingOf(body, model, 't2i'), prompt };
}

/**
 * With a mask: inpainting; without one a variation, of what the prompt says or else of what the picture shows. Both start
 * from the picture with as much noise as the denoising strength says; at full strength the prompt alone is drawn.
 */
export async function imageToImageJob(
  body: ImageToImageBody,
  model: ModelInfo,
  request: FastifyRequest,
): Promise<SeededJob> {
  const image = await pictureOf(request, 'init_images', body.init_images);
  if (!image) throw new WireFault('not_found', 'init_images', 'Init image not found');
  const prompt = body.prompt?.trim() ?? '';
  const { denoising_strength: strength = defaultStrength } = body;
  const asked = { strength, ...(prompt !== '' && { prompt }) };
  const mask = await pictureOf(request, 'mask', body.mask);
  if (mask) {
    const white = await whiteMask(mask, body.inpainting_mask_invert === true);
    return { ...samplingOf(body, model, 'inpaint'), ...asked, image, mask: white };
  }
  if (strength === 1 && prompt !== '') return { ...samplingOf(body, model, 't2i'), prompt };
  return { ...samplingOf(body, model, 'i2t2i'), ...asked, image };
}

/** The options that the mode has; what A1111's clients send for others means nothing here. */
function samplingOf(body: TextToImageBody, model: ModelInfo, mode: JobMode): SeededJob {
  const script = body.script_name?.trim() ?? '';
  if (script !== '' && script.toLowerCase() !== 'none') {
    throw new WireFault(
      'unsupported_value',
      'script_name',
      `Script not found: ${script.slice(0, 40)}. There are none.`,
    );
  }
  const n = countOf(body, model);
  const { seed = drawSeed(n), ...options } = readOptions(body, servedOptions([model], [mode]), generationNames);
  const { fields } = samplerOf(body);
  const size = sizeOptions(sizeOf(body), model, mode);
  return { ...fields, ...options, ...size, mode, model: model.id, n, seed, previewEvery: stepsPerPreview };
}

function countOf({ batch_size = 1, n_iter = 1 }: TextToImageBody, { options }: ModelInfo): number {
  const n = batch_size * n_iter;
  const { maximum = n } = (options['n'] ?? {}) as Limits;
  if (n <= maximum) return n;
  const message = `batch_size x n_iter must be at most ${maximum}, got ${n}; send several requests`;
  throw new WireFault('invalid_value', 'batch_size', message);
}

/**
 * The solver and noise schedule that are asked for, and what is asked for by names that others stand in for; answers tell both.
 * @throws WireFault that lists the names, where one is unknown
 */
export function samplerOf(body: TextToImageBody): {
  readonly fields: SolverFields;
  readonly replaced: { readonly 'Requested sampler'?: string; readonly 'Requested schedule type'?: string };
} {
  const { sampler_name, sampler_index, scheduler = '' } = body;
  const name = sampler_name || sampler_index || 'Automatic';
  const sampler = chooseSolver(name);
  if (!sampler) throw unknownName('sampler_name', `Sampler not found: ${name.slice(0, 40)}. ${solverHelp()}`);
  const schedule = chooseSchedule(scheduler || 'Automatic');
  if (!schedule) throw unknownName('scheduler', `Scheduler not found: ${scheduler.slice(0, 40)}. ${scheduleHelp()}`);
  const isNamed = scheduler !== '' && scheduler.toLowerCase() !== 'automatic';
  const both = isNamed ? withSchedule({ ...sampler, isExact: true }, schedule) : sampler;
  const replaced = {
    ...(!sampler.isExact && { 'Requested sampler': name }),
    ...(isNamed && !both.isExact && { 'Requested schedule type': scheduler }),
  };
  return { fields: fieldsOf(both), replaced };
}

function unknownName(field: string, message: string): WireFault {
  return new WireFault('not_found', field, message);
}

/**
 * A1111's masks say white for "draw anew", in grey or, where a mask has transparency, in its opacity; the library reads
 * transparency the other way round, so the mask becomes one without any.
 */
async function whiteMask(mask: Uint8Array, inverted: boolean): Promise<Uint8Array> {
  const image = sharp(mask);
  const { hasAlpha } = await image.metadata();
  const byOpacity = hasAlpha && !(await sharp(mask).stats()).isOpaque;
  const grey = byOpacity ? image.extractChannel('alpha') : image.removeAlpha().greyscale();
  const turned = inverted ? grey.negate({ alpha: false }) : grey;
  return new Uint8Array(await turned.toColourspace('b-w').png().toBuffer());
}
