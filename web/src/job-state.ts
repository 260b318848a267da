/** A job as the page knows it, and how each event changes it. Pure, so that replay after a reload gives the same. */
import type {
  WireAnswer,
  WireDialogueSummary,
  WireError,
  WireEvent,
  WireJob,
  WireJobSummary,
  WireProgress,
  WireRequest,
  WireResult,
  WireSample,
  WireWritten,
} from './wire.ts';

/** Where a picture stands in an answer: behind so many UTF-16 units of its words. */
export interface PicturePlace {
  readonly at: number;
  readonly seed: number;
}

export interface JobState {
  readonly id: string;
  readonly mode: string;
  readonly status: WireJob['status'];
  /** Milliseconds since 1970. */
  readonly created: number;
  /** Jobs ahead of it while it is queued. */
  readonly position: number | null;
  readonly progress: WireProgress | null;
  readonly request: WireRequest;
  /** Of jobs that were given a dialogue. */
  readonly dialogue: WireDialogueSummary | null;
  /** False of what a list of jobs tells of a dialogue: its messages and what its answer says are with the server alone. */
  readonly isWhole: boolean;
  /** How the pictures look so far, as data URLs, at the places of their samples. */
  readonly previews: readonly (string | undefined)[];
  /** Samples that are finished before the job is, at their places. */
  readonly early: readonly (WireSample | undefined)[];
  /** What has been written so far. */
  readonly text: string;
  /** Where the pictures of an answer stand that have been begun so far. */
  readonly places: readonly (PicturePlace | undefined)[];
  /** The whole answer of a dialogue. */
  readonly answer: WireAnswer | null;
  readonly samples: readonly WireSample[];
  readonly unknownWords: readonly string[];
  readonly captionCut: boolean;
  /** A picture given looks unlike what the model knows. */
  readonly isUnfamiliar: boolean;
  /** Milliseconds the model took. */
  readonly took: number | null;
  readonly error: WireError | null;
}

/** Whether it has all messages of the dialogue that it was given, if any. */
export function isWhole(view: WireJobSummary): view is WireJob {
  return view.dialogue === undefined || 'messages' in view.request;
}

export function jobFromView(view: WireJobSummary): JobState {
  const job: JobState = {
    id: view.id,
    mode: view.mode,
    status: view.status,
    created: view.created * 1000,
    position: view.queue_position ?? null,
    progress: view.progress ?? null,
    request: view.request ?? {},
    dialogue: view.dialogue ?? null,
    isWhole: isWhole(view),
    previews: [],
    early: [],
    text: '',
    places: [],
    answer: null,
    samples: [],
    unknownWords: [],
    captionCut: false,
    isUnfamiliar: false,
    took: null,
    error: view.error ?? null,
  };
  const known = withWritten(job, isWhole(view) ? view.written : undefined);
  if (!view.result) return known;
  const { answer, ...result } = view.result;
  return withResult(known, answer && 'content' in answer ? { ...result, answer: answer as WireAnswer } : result);
}

/** What happens to a job, whatever its number. */
export type JobChange = WireEvent extends infer E ? (E extends unknown ? Omit<E, 'id'> : never) : never;

export function reduceJob(job: JobState, event: JobChange): JobState {
  switch (event.type) {
    case 'queued':
      return { ...job, status: 'queued', position: event.position };
    case 'started':
      return { ...job, status: 'running', position: null };
    case 'progress':
      return {
        ...job,
        status: 'running',
        position: null,
        progress: { step: event.step, steps: event.steps, eta_ms: event.eta_ms ?? null },
      };
    case 'preview':
      return {
        ...job,
        previews: withoutFinished(placed(event.indices, event.images.map(toDataUrl), job.previews), job.early),
      };
    case 'sample':
      return withEarly(job, placed([event.index], [event.sample], job.early));
    case 'text':
      return {
        ...job,
        text: job.text.slice(0, event.at) + event.delta,
        places: job.places.map(place => (place && place.at > event.at ? undefined : place)),
      };
    case 'image-started':
      return { ...job, places: placed([event.index], [{ at: event.at, seed: event.seed }], job.places) };
    case 'completed':
      return {
        ...withResult(job, event.result),
        status: 'succeeded',
        position: null,
        progress: null,
        previews: [],
        early: [],
      };
    case 'failed':
      return {
        ...withWritten(job, event.written),
        status: 'failed',
        position: null,
        progress: null,
        previews: [],
        early: [],
        error: event.error,
      };
    case 'cancelled': {
      const { result, written } = event;
      const told = withWritten(job, written);
      return { ...(result ? withResult(told, result) : told), status: 'cancelled', position: null, early: [] };
    }
    default:
      return job;
  }
}

function withResult(job: JobState, result: WireResult): JobState {
  return {
    ...job,
    samples: result.samples,
    answer: result.answer ?? null,
    unknownWords: result.unknown_words ?? [],
    captionCut: result.caption_cut ?? false,
    isUnfamiliar: result.is_familiar === false,
    took: result.timings?.total ?? null,
  };
}

/** The server has all that was written, and this page perhaps only some of it. */
function withWritten(job: JobState, written: WireWritten | undefined): JobState {
  return written ? { ...job, text: written.text, places: written.pictures } : job;
}

const toDataUrl = (png: string) => `data:image/png;base64,${png}`;

function withEarly(job: JobState, early: JobState['early']): JobState {
  return { ...job, early, previews: withoutFinished(job.previews, early) };
}

/** The finished picture takes the place of its preview, whichever comes first. */
function withoutFinished(previews: JobState['previews'], early: JobState['early']): JobState['previews'] {
  return previews.map((preview, index) => (early[index] ? undefined : preview));
}

function placed<T>(
  indices: readonly number[],
  values: readonly T[],
  known: readonly (T | undefined)[] = [],
): (T | undefined)[] {
  const places = Array.from({ length: Math.max(known.length, ...indices.map(index => index + 1)) }, (_, i) => known[i]);
  for (const [place, index] of indices.entries()) places[index] = values[place];
  return places;
}

/** What a person asked for in words: a prompt, or the last message of a dialogue. */
export function askedWords({ request: { prompt }, dialogue }: JobState): string | undefined {
  return prompt ?? (dialogue?.last_words || undefined);
}

/** A sample of a job, which may be finished before the job is. */
export function sampleAt({ samples, early }: JobState, index: number): WireSample | undefined {
  return samples[index] ?? early[index];
}

export function isOver(job: JobState): boolean {
  return job.status !== 'queued' && job.status !== 'running';
}

/** 0 to 1; null while there is nothing to count. */
export function fractionDone({ status, progress }: JobState): number | null {
  if (status === 'succeeded') return 1;
  return progress && progress.steps > 0 ? Math.min(1, progress.step / progress.steps) : null;
}

/** Equal captions counted, the most frequent first: how sure the model is shows in how often it says the same. */
export function countCaptions(samples: readonly WireSample[]): { caption: string; times: number }[] {
  const times = new Map<string, number>();
  for (const { caption } of samples) {
    if (caption !== undefined) times.set(caption, (times.get(caption) ?? 0) + 1);
  }
  return [...times].map(([caption, count]) => ({ caption, times: count })).sort((a, b) => b.times - a.times);
}
