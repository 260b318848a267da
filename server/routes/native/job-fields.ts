/** Jobs on the wire: how they and their events are shown. */
import { wireCode } from '../../errors.ts';
import type { JobError, JobEvent, JobRequestView, JobResult, JobSample, JobView } from '../../jobs/types.ts';
import { snakeCase } from '../../schemas/snake-case.ts';
import { familiarityFields } from '../compat/familiarity.ts';
import type { AcceptedJob, WireError, WireEvent, WireJob, WireResult, WireSample } from './wire.ts';

const urlOf = (id: string) => `/v1/jobs/${id}`;

/** What POST answers: where to look. */
export function acceptedOf(view: JobView): AcceptedJob {
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

export function toWireJob(view: JobView): WireJob {
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
    error: error ? toWireError(error) : null,
  };
}

/** What was asked for, without its pictures. */
export function toWireRequest(request: JobRequestView): Record<string, unknown> {
  return Object.fromEntries(Object.entries(request).map(([name, value]) => [snakeCase(name), value]));
}

function toWireResult(result: JobResult): WireResult {
  const { id, samples, unknownWords, captionCut, timings } = result;
  return {
    samples: samples.map(sample => toWireSample(id, sample)),
    unknown_words: unknownWords,
    caption_cut: captionCut,
    ...familiarityFields(result),
    timings,
  };
}

function toWireSample(jobId: string, { seed, caption, file, width, height }: JobSample): WireSample {
  return {
    seed,
    ...(caption !== undefined && { caption }),
    ...(file !== undefined && { url: `${urlOf(jobId)}/files/${file}` }),
    ...(width !== undefined && height !== undefined && { width, height }),
  };
}

function toWireError({ code, message }: JobError): WireError {
  return { code: wireCode(code), message };
}

/** The data of an event of the job `jobId`; its type is the event's name. */
export function toWireEvent(jobId: string, event: JobEvent): WireEvent {
  const { id } = event;
  switch (event.type) {
    case 'progress':
      return { id, type: 'progress', step: event.step, steps: event.steps, eta_ms: event.etaMs };
    case 'preview': {
      const images = event.images.map(png => Buffer.from(png).toString('base64'));
      return { id, type: 'preview', step: event.step, images, indices: event.indices };
    }
    case 'sample':
      return { id, type: 'sample', index: event.index, sample: toWireSample(jobId, event.sample) };
    case 'completed':
      return { id, type: 'completed', result: toWireResult(event.result) };
    case 'failed':
      return { id, type: 'failed', error: toWireError(event.error) };
    case 'cancelled':
      return { id, type: 'cancelled', ...(event.result && { result: toWireResult(event.result) }) };
    case 'queued':
      return { id, type: 'queued', position: event.position };
    case 'text':
      return { id, type: 'text', delta: event.delta };
    case 'started':
      return { id, type: 'started' };
  }
}
