/** Jobs on the wire: how they and their events are shown. */
import { wireCode } from '../../errors.ts';
import type { JobEvent, JobRequestView, JobResult, JobView } from '../../jobs/types.ts';
import { snakeCase } from '../../schemas/snake-case.ts';
import { familiarityFields } from '../compat/familiarity.ts';

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

function toWireResult(result: JobResult): object {
  const { id, samples, unknownWords, captionCut, timings } = result;
  return {
    samples: samples.map(({ seed, caption, file, width, height }) => ({
      seed,
      ...(caption !== undefined && { caption }),
      ...(file !== undefined && { url: `${urlOf(id)}/files/${file}`, width, height }),
    })),
    unknown_words: unknownWords,
    caption_cut: captionCut,
    ...familiarityFields(result),
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
