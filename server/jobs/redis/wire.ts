/** Jobs between the front and its workers, as JSON: pictures in base64. */
import { decodeImage, Picture } from '../../../src/image/index.ts';
import type { CallResult } from '../../../src/pipelines/index.ts';
import type { NewJobEvent } from '../event-log.ts';
import { separateFiles, withFiles } from '../given-files.ts';
import type { JobRequest, JobRequestView } from '../types.ts';

export interface SentRequest {
  readonly request: JobRequestView;
  readonly files: Readonly<Record<string, string>>;
}

export interface SentResult extends Omit<CallResult, 'samples'> {
  readonly samples: readonly { readonly seed: number; readonly caption?: string; readonly png?: string }[];
}

type Preview = Extract<NewJobEvent, { type: 'preview' }>;
type SentPreview = Omit<Preview, 'images'> & { readonly images: readonly string[] };
type SentEvent = Exclude<NewJobEvent, Preview> | SentPreview;

/** Samples that are finished before the others of their job, and their places among all. */
interface SentSamples {
  readonly type: 'samples';
  readonly indices: readonly number[];
  readonly made: SentResult;
}

/** An event with the number of the run that it is of: a worker that lost the job may still send events of an earlier run. */
export interface SentProgress {
  readonly run: number;
  readonly event: SentEvent | SentSamples;
}

const toText = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64');
const toBytes = (text: string) => new Uint8Array(Buffer.from(text, 'base64'));

export function sendRequest(request: JobRequest): SentRequest {
  const { shown, files } = separateFiles(request);
  const sent = Object.entries(files).map(([name, bytes]) => [name, toText(bytes)] as const);
  return { request: shown, files: Object.fromEntries(sent) };
}

export function receiveRequest({ request, files }: SentRequest): JobRequest {
  return withFiles(request, Object.fromEntries(Object.entries(files).map(([name, text]) => [name, toBytes(text)])));
}

export function sendEvent(event: NewJobEvent): SentEvent {
  return event.type === 'preview' ? { ...event, images: event.images.map(toText) } : event;
}

export function receiveEvent(event: SentEvent): NewJobEvent {
  return event.type === 'preview' ? { ...event, images: event.images.map(toBytes) } : event;
}

export async function sendResult({ samples, ...rest }: CallResult): Promise<SentResult> {
  const sent = samples.map(async ({ image, ...sample }) => ({
    ...sample,
    ...(image && { png: toText(await image.toPng()) }),
  }));
  return { ...rest, samples: await Promise.all(sent) };
}

export async function receiveResult({ samples, ...rest }: SentResult): Promise<CallResult> {
  const received = samples.map(async ({ png, ...sample }) => ({
    ...sample,
    ...(png !== undefined && { image: new Picture(await decodeImage(toBytes(png))) }),
  }));
  return { ...rest, samples: await Promise.all(received) };
}
