/** Jobs on the wire: how they and their events are shown. */
import type { CallAnswer } from '../../../src/pipelines/index.ts';
import { wireCode } from '../../errors.ts';
import { pictureName } from '../../jobs/given-files.ts';
import type {
  JobError,
  JobEvent,
  JobMessage,
  JobProgress,
  JobRequestView,
  JobResult,
  JobSample,
  JobView,
} from '../../jobs/types.ts';
import { snakeCase } from '../../schemas/snake-case.ts';
import { familiarityFields } from '../compat/familiarity.ts';
import type {
  AcceptedJob,
  WireAnswer,
  WireDialogueSummary,
  WireError,
  WireEvent,
  WireJob,
  WireJobSummary,
  WireMessage,
  WireProgress,
  WireResult,
  WireSample,
} from './wire.ts';

/** Characters of the last message of a dialogue in a list of jobs. */
const mostLastWords = 200;

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
  const { mode, started, ended, progress, request, result, error, written } = view;
  const { messages } = request;
  return {
    ...acceptedOf(view),
    mode,
    started: started === undefined ? null : Math.floor(started / 1000),
    ended: ended === undefined ? null : Math.floor(ended / 1000),
    progress: progress && toWireProgress(progress),
    request: { ...toWireRequest(request), ...givenPictures(view) },
    ...(messages && { dialogue: summaryOf(messages) }),
    result: result ? toWireResult(result) : null,
    error: error ? toWireError(error) : null,
    ...(written && { written }),
  };
}

/** Of a size that the length of a dialogue does not change. */
export function toWireSummary(view: JobView): WireJobSummary {
  const { request, result, written: _written, ...job } = toWireJob(view);
  const { messages: _messages, ...asked } = request;
  if (!result?.answer) return { ...job, request: asked, result };
  const { content: _content, ...answer } = result.answer;
  return { ...job, request: asked, result: { ...result, answer } };
}

function summaryOf(messages: readonly JobMessage[]): WireDialogueSummary {
  const pictures = messages.flatMap(({ content }) => content.filter(({ type }) => type === 'image')).length;
  const said = messages.at(-1)?.content.flatMap(part => (part.type === 'text' ? [part.text] : [])) ?? [];
  const words = [...said.join(' ')];
  const last = words.length <= mostLastWords ? words : [...words.slice(0, mostLastWords), '…'];
  return { messages: messages.length, pictures, last_words: last.join('') };
}

function toWireProgress({ etaMs, ...progress }: JobProgress): WireProgress {
  return { ...progress, eta_ms: etaMs };
}

/** The addresses of the pictures that were sent: in fields of their own and, of a dialogue, at their places in it. */
function givenPictures({ id, request: { messages }, inputs }: JobView): Record<string, unknown> {
  const addressOf = (name: string) => `${urlOf(id)}/files/${name}`;
  if (messages) return { messages: messages.map(message => toWireMessage(message, addressOf)) };
  return Object.fromEntries(inputs.map(name => [`${name}_url`, addressOf(name)]));
}

/** @param addressOf of a picture by its file's name */
export function toWireMessage({ role, content }: JobMessage, addressOf: (name: string) => string): WireMessage {
  const parts = content.map(part =>
    part.type === 'text' ? part : ({ type: 'image', image_url: addressOf(pictureName(part.picture)) } as const),
  );
  return { role, content: parts };
}

/** What was asked for, without its pictures. */
export function toWireRequest(request: JobRequestView): Record<string, unknown> {
  return Object.fromEntries(Object.entries(request).map(([name, value]) => [snakeCase(name), value]));
}

function toWireResult(result: JobResult): WireResult {
  const { id, samples, unknownWords, captionCut, answer, timings } = result;
  return {
    samples: samples.map(sample => toWireSample(id, sample)),
    unknown_words: unknownWords,
    caption_cut: captionCut,
    ...familiarityFields(result),
    ...(answer && { answer: toWireAnswer(answer) }),
    timings,
  };
}

function toWireAnswer({ content, finishReason, seed, promptTokens, answerTokens }: CallAnswer): WireAnswer {
  return { content, finish_reason: finishReason, seed, prompt_tokens: promptTokens, answer_tokens: answerTokens };
}

function toWireSample(
  jobId: string,
  { seed, caption, file, width, height, favourite, removed }: JobSample,
): WireSample {
  return {
    seed,
    ...(caption !== undefined && { caption }),
    ...(file !== undefined && { url: `${urlOf(jobId)}/files/${file}` }),
    ...(width !== undefined && height !== undefined && { width, height }),
    ...(favourite && { favourite }),
    ...(removed && { removed }),
  };
}

function toWireError({ code, message }: JobError): WireError {
  return { code: wireCode(code), message };
}

/** The data of an event of the job `jobId`; its type is the event's name. */
export function toWireEvent(jobId: string, event: JobEvent): WireEvent {
  const { id } = event;
  switch (event.type) {
    case 'progress': {
      const { type, ...progress } = event;
      return { type, ...toWireProgress(progress), id };
    }
    case 'preview': {
      const images = event.images.map(png => Buffer.from(png).toString('base64'));
      return { id, type: 'preview', step: event.step, images, indices: event.indices };
    }
    case 'sample':
      return { id, type: 'sample', index: event.index, sample: toWireSample(jobId, event.sample) };
    case 'completed':
      return { id, type: 'completed', result: toWireResult(event.result) };
    case 'failed':
      return { id, type: 'failed', error: toWireError(event.error), ...(event.written && { written: event.written }) };
    case 'cancelled': {
      const { result, written } = event;
      return { id, type: 'cancelled', ...(result && { result: toWireResult(result) }), ...(written && { written }) };
    }
    case 'queued':
      return { id, type: 'queued', position: event.position };
    case 'text':
      return { id, type: 'text', delta: event.delta, at: event.at };
    case 'image-started':
      return { id, type: 'image-started', index: event.index, seed: event.seed, at: event.at };
    case 'started':
      return { id, type: 'started' };
  }
}
