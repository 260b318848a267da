/** Jobs on the wire: the fields of POST /v1/jobs, and how jobs and their events are shown. */
import Type, { type Static } from 'typebox';
import { wireCode } from '../../errors.ts';
import type { JobEvent, JobMode, JobRequest, JobRequestView, JobResult, JobView } from '../../jobs/types.ts';

const modes = [
  't2i',
  'i2t',
  'joint',
  'i',
  't',
  'i2t2i',
  't2i2t',
  'gibbs',
  'interpolate',
  'inpaint',
] as const satisfies readonly JobMode[];

/** A file of a form, base64 text, a data URL or, where that is allowed, an http(s) URL. */
const picture = (description: string) =>
  Type.Optional(Type.Unsafe<unknown>({ description: `${description}: a file, base64 text or a data URL` }));
const text = (description: string) => Type.Optional(Type.String({ description }));
const whole = (description: string) => Type.Optional(Type.Integer({ description }));
const decimal = (description: string) => Type.Optional(Type.Number({ description }));

export const JobBody = Type.Object(
  {
    mode: Type.Enum([...modes], { description: 'what to do' }),
    model: text('one of /v1/models; the default model if absent'),
    prompt: text('what to draw or what a variation shows, or where a chain or an interpolation starts'),
    prompt2: text('where an interpolation ends'),
    negative_prompt: text('what pictures should not show'),
    image: picture('the picture given'),
    image2: picture('where an interpolation ends'),
    mask: picture('what to paint anew: transparent, or white'),
    n: whole('samples'),
    seed: whole('of the first sample; drawn if absent or -1'),
    steps: whole('network evaluations per sample'),
    guidance: decimal('1 is off'),
    solver: text('dpm-multistep, dpm-singlestep or ddim'),
    frames: whole('pictures of an interpolation, both ends included'),
    rounds: whole('rounds of a Gibbs chain'),
    strength: decimal('how much of the picture may change, from 0 to 1; modes i2t2i and inpaint'),
    preview_every: whole('steps between previews; 0 for none'),
    priority: whole('-10 to 10, the highest first'),
  },
  { title: 'Job' },
);
export type JobBody = Static<typeof JobBody>;

/** The fields that are no pictures, as the service knows them. */
export function toRequest(body: JobBody): JobRequest {
  const { mode, model, prompt, prompt2, n, steps, guidance, frames, rounds, strength, priority } = body;
  const { seed, solver, negative_prompt: negativePrompt, preview_every: previewEvery } = body;
  const fields = { model, prompt, prompt2, negativePrompt, n, steps, guidance, frames, rounds, strength, priority };
  const drawn = seed === -1 ? undefined : seed;
  const all = Object.entries({ ...fields, seed: drawn, solver, previewEvery });
  return { mode, ...Object.fromEntries(all.filter(([, value]) => value !== undefined)) };
}

const urlOf = (id: string) => `/v1/jobs/${id}`;

/** What POST answers: where to look. */
export function acceptedOf(view: JobView): object {
  const { id, status, position, created } = view;
  const url = urlOf(id);
  return {
    id,
    status,
    queue_position: position,
    created: Math.floor(created / 1000),
    urls: { get: url, events: `${url}/events`, cancel: `${url}/cancel` },
  };
}

export function toWireJob(view: JobView): object {
  const { mode, started, ended, progress, request, inputs, result, error } = view;
  return {
    ...acceptedOf(view),
    mode,
    started: started === undefined ? null : Math.floor(started / 1000),
    ended: ended === undefined ? null : Math.floor(ended / 1000),
    progress: progress && { step: progress.step, steps: progress.steps, eta_ms: progress.etaMs },
    request: {
      ...toWireRequest(request),
      ...Object.fromEntries(inputs.map(name => [`${name}_url`, `${urlOf(view.id)}/files/${name}`])),
    },
    result: result ? toWireResult(result) : null,
    error: error ? { code: wireCode(error.code), message: error.message } : null,
  };
}

/** What was asked for, without its pictures. */
export function toWireRequest(request: JobRequestView): Record<string, unknown> {
  return Object.fromEntries(Object.entries(request).map(([name, value]) => [snakeCase(name), value]));
}

function toWireResult({ id, samples, unknownWords, captionCut, timings }: JobResult): object {
  return {
    samples: samples.map(({ seed, caption, file, width, height }) => ({
      seed,
      ...(caption !== undefined && { caption }),
      ...(file !== undefined && { url: `${urlOf(id)}/files/${file}`, width, height }),
    })),
    unknown_words: unknownWords,
    caption_cut: captionCut,
    timings,
  };
}

/** The data of an event; its type is the event's name. */
export function toWireEvent(event: JobEvent): object {
  const { id, type } = event;
  const common = { id, type };
  switch (type) {
    case 'progress':
      return { ...common, step: event.step, steps: event.steps, eta_ms: event.etaMs };
    case 'preview':
      return { ...common, step: event.step, images: event.images.map(png => Buffer.from(png).toString('base64')) };
    case 'completed':
      return { ...common, result: toWireResult(event.result) };
    case 'failed':
      return { ...common, error: { code: wireCode(event.error.code), message: event.error.message } };
    case 'queued':
      return { ...common, position: event.position };
    case 'text':
      return { ...common, delta: event.delta };
    default:
      return common;
  }
}

function snakeCase(name: string): string {
  return name.replace(/[A-Z]/g, letter => `_${letter.toLowerCase()}`);
}
