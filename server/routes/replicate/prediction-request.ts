/** What a prediction asks of the library: the only place where Replicate's names become ours. */
import type { FastifyRequest } from 'fastify';
import Type from 'typebox';
import type { JobMode, JobRequest, Rendering } from '../../jobs/types.ts';
import { toRequest } from '../../schemas/job.ts';
import {
  type PredictionBody,
  type PredictionInput,
  predictionInput,
  predictionNames,
} from '../../schemas/replicate.ts';
import type { ModelInfo } from '../../types.ts';
import { bodyValidator } from '../compat/parse-body.ts';
import { sizeOptions } from '../compat/picture-size.ts';
import { present } from '../compat/present.ts';
import { pictureOf } from '../compat/read-picture.ts';
import { defaultQuality } from '../compat/render-picture.ts';
import { readSolver } from '../compat/solver-names.ts';
import { WireFault } from '../compat/wire-fault.ts';
import { isDialogue, predictionDialogue } from './prediction-dialogue.ts';

const Envelope = Type.Object({ version: Type.Optional(Type.String({ maxLength: 1000 })), input: Type.Object({}) });
const readEnvelope = bodyValidator({ schema: Envelope });

/** A Fastify validator of predictions that reads the input as forgivingly as other families read bodies. */
export function predictionValidator(models: readonly ModelInfo[]) {
  const readInput = bodyValidator({ schema: predictionInput(models) });
  return (body: unknown): { value: unknown } | { error: WireFault } => {
    const envelope = readEnvelope(body);
    if ('error' in envelope) return envelope;
    const outer = envelope.value as PredictionBody;
    const input = readInput(outer.input);
    if ('error' in input) {
      const { code, param, message } = input.error;
      return { error: new WireFault(code, param === null ? 'input' : `input.${param}`, message) };
    }
    return { value: { ...outer, input: input.value } };
  };
}

export async function toJobRequest(
  request: FastifyRequest<{ Body: PredictionBody }>,
  model: ModelInfo,
): Promise<JobRequest> {
  const { input, webhook } = request.body;
  if (webhook !== undefined) {
    throw new WireFault('unsupported_value', 'webhook', 'Webhooks are not sent here; ask for the prediction instead.');
  }
  const rendering = renderingOf(input);
  const solver = readSolver('input.scheduler', input.scheduler);
  if (isDialogue(input, model)) {
    const { image: _image, prompt: _prompt, messages: _messages, ...options } = input;
    const asked = toRequest(
      { ...options, mode: 'chat', model: model.id },
      request.server.models.list(),
      predictionNames,
    );
    const size = sizeOptions(rendering?.size, model, 'chat');
    const dialogue = await predictionDialogue(request, model);
    return { ...solver, ...asked, ...size, ...dialogue, ...present({ rendering }) };
  }
  const pictures = present({
    image: await pictureOf(request, 'input.image', input['image']),
    image2: await pictureOf(request, 'input.image2', input['image2']),
    mask: await pictureOf(request, 'input.mask', input['mask']),
  });
  const asked = toRequest({ ...input, mode: 't2i', model: model.id }, request.server.models.list(), predictionNames);
  const mode = input.mode ?? modeOf(asked, pictures, model);
  const size = sizeOptions(rendering?.size, model, mode);
  return { ...solver, ...asked, ...size, mode, ...pictures, ...present({ rendering }) };
}

/** How the output is to look; undefined if as the model draws it. */
function renderingOf({ width, height, output_format: format, output_quality: quality }: PredictionInput) {
  const [wide = height, high = width] = [width, height];
  const size = wide !== undefined && high !== undefined ? { width: wide, height: high } : undefined;
  if (!size && format === undefined) return undefined;
  return {
    ...(size && { size }),
    format: format === 'jpg' ? 'jpeg' : (format ?? 'png'),
    quality: Math.max(1, quality ?? defaultQuality),
  } satisfies Rendering;
}

/** What is meant where no mode is named. */
function modeOf(
  { prompt = '', strength }: { readonly prompt?: string; readonly strength?: number },
  { image, mask }: { readonly image?: Uint8Array; readonly mask?: Uint8Array },
  { calls }: ModelInfo,
): JobMode {
  if (!image) return 't2i';
  if (mask) return 'inpaint';
  return prompt.trim() !== '' || strength !== undefined || !calls['i2t'] ? 'i2t2i' : 'i2t';
}
