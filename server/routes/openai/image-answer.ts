/** Pictures as OpenAI's image routes return them: at once, and as a stream of events. */
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { ImageFormat } from '../../../src/image/index.ts';
import { stepsOf } from '../../jobs/requests.ts';
import type { JobEvent, JobRequest, Rendering } from '../../jobs/types.ts';
import type { ImageOutput } from '../../schemas/openai.ts';
import type { ModelInfo } from '../../types.ts';
import { countTokens } from '../compat/count-tokens.ts';
import { familiarityFields } from '../compat/familiarity.ts';
import { drawnSize, formatSize, parseSize } from '../compat/picture-size.ts';
import { defaultQuality, renderedUrl, renderPicture } from '../compat/render-picture.ts';
import { type DrawnSample, drawnSamples, runJob } from '../compat/run-job.ts';
import { failInStream, openStream, sendEvent } from './event-stream.ts';

interface ImageCall {
  readonly body: ImageOutput;
  readonly job: JobRequest;
  readonly model: ModelInfo;
  /** First part of the names of stream events. */
  readonly event: 'image_generation' | 'image_edit';
}

interface Look {
  readonly rendering: Rendering;
  /** Fields that say how the pictures look, in answers and events alike. */
  readonly fields: Readonly<Record<string, string>>;
}

export async function answerImages(request: FastifyRequest, reply: FastifyReply, call: ImageCall): Promise<unknown> {
  const look = lookOf(call);
  if (call.body.stream) return streamImages(request, reply, call, look);
  const result = await runJob(request, call.job, { needsFiles: needsFiles(call) });
  const data: unknown[] = [];
  // One after the other: ten large pictures at once would be a lot of memory.
  for (const sample of drawnSamples(result)) data.push(await entryOf(request, result.id, sample, call, look));
  return { created: now(), ...look.fields, ...familiarityFields(result), data, usage: usageOf(call) };
}

async function streamImages(request: FastifyRequest, reply: FastifyReply, call: ImageCall, look: Look): Promise<void> {
  try {
    const onEvent = previewSender(reply, call, look);
    const result = await runJob(request, call.job, { onEvent, needsFiles: needsFiles(call) });
    const type = `${call.event}.completed`;
    const fields = { ...look.fields, ...familiarityFields(result) };
    for (const [index, sample] of drawnSamples(result).entries()) {
      const entry = await entryOf(request, result.id, sample, call, look);
      const place = { image_index: index, created_at: now() };
      await sendEvent(reply, type, { type, ...entry, ...place, ...fields, usage: usageOf(call) });
    }
  } catch (error) {
    await failInStream(request, reply, error);
  }
}

/** Opens the stream at the job's first event, when it is accepted: a full queue is still told by the status. */
function previewSender(reply: FastifyReply, call: ImageCall, look: Look): (event: JobEvent) => Promise<void> {
  const { partial_images: wanted = 0 } = call.body;
  const type = `${call.event}.partial_image`;
  let partials = 0;
  return async event => {
    openStream(reply);
    if (event.type !== 'preview' || partials === wanted || isLast(event, call)) return;
    for (const [index, png] of event.images.entries()) {
      const b64_json = toBase64(await renderPicture(png, look.rendering));
      const place = { partial_image_index: partials, image_index: index, created_at: now() };
      await sendEvent(reply, type, { type, b64_json, ...place, ...look.fields });
    }
    partials++;
  };
}

/** A preview after the last step is the finished picture, which follows anyway. */
function isLast({ step }: Extract<JobEvent, { type: 'preview' }>, { job, model }: ImageCall): boolean {
  return step >= stepsOf(job, model);
}

function lookOf({ body, job, model }: ImageCall): Look {
  const size = parseSize(body.size);
  const format: ImageFormat = body.output_format ?? 'png';
  const quality = Math.max(1, body.output_compression ?? defaultQuality);
  const native = drawnSize(job, model);
  return {
    rendering: { size, format, quality },
    fields: {
      background: 'opaque',
      output_format: format,
      quality: 'auto',
      size: formatSize(size ?? native),
      native_size: formatSize(native),
      scheduler: job.solver ?? model.defaults[job.mode]?.solver ?? 'dpm-multistep', // the one that runs, whichever name it was asked for by
    },
  };
}

async function entryOf(
  request: FastifyRequest,
  id: string,
  sample: DrawnSample,
  { body }: ImageCall,
  { rendering }: Look,
): Promise<Record<string, unknown>> {
  const picture =
    body.response_format === 'url'
      ? { url: renderedUrl(request, id, sample.file ?? '', rendering) }
      : { b64_json: toBase64(await renderPicture(sample.png, rendering)) };
  const text = sample.caption === undefined ? {} : { text: sample.caption };
  return { ...picture, revised_prompt: sample.caption ?? null, seed: sample.seed, ...text };
}

function needsFiles({ body }: ImageCall): boolean {
  return body.response_format === 'url';
}

/** Of text; pictures are not made of tokens here. */
function usageOf({ job: { prompt = '', negativePrompt = '' }, model }: ImageCall): unknown {
  const tokens = countTokens(model, prompt) + countTokens(model, negativePrompt);
  return {
    input_tokens: tokens,
    output_tokens: 0,
    total_tokens: tokens,
    input_tokens_details: { text_tokens: tokens, image_tokens: 0 },
  };
}

export function toBase64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64');
}

export function now(): number {
  return Math.floor(Date.now() / 1000);
}
