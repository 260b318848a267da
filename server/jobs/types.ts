/** Jobs: their requests, their events and the service that runs them. Routes use this interface, not its implementation. */
import type { ImageFormat } from '../../src/image/index.ts';
import type {
  CallAnswer,
  CallMode,
  ChatCallOptions,
  ChatMode,
  CommonOptions,
  InterleavedMessage,
  OwnOptions,
  StableDiffusionOptions,
  Timings,
} from '../../src/pipelines/index.ts';
import type { Outage } from './outage.ts';

export type JobMode = CallMode | ChatMode;
export type JobStatus = 'queued' | 'running' | 'succeeded' | 'failed' | 'cancelled';

/** What a call is given. */
export interface JobInputs {
  readonly prompt?: string;
  readonly prompt2?: string;
  /** Encoded files as uploaded, already checked to be decodable. */
  readonly image?: Uint8Array;
  readonly image2?: Uint8Array;
  readonly mask?: Uint8Array;
  readonly messages?: readonly JobMessage[];
  /** Those that `messages` name by their places here. */
  readonly pictures?: readonly Uint8Array[];
}

/** A message of a dialogue, beside whose texts stand the numbers of its pictures. */
export interface JobMessage extends Pick<InterleavedMessage, 'role'> {
  readonly content: readonly (
    | { readonly type: 'text'; readonly text: string }
    | { readonly type: 'image'; readonly picture: number }
  )[];
}

/** How a finished picture is shown. */
export interface Rendering {
  /** @default the picture's own */
  readonly size?: { readonly width: number; readonly height: number } | undefined;
  readonly format: ImageFormat;
  /** 1 to 100, of jpeg and webp. */
  readonly quality: number;
}

/** Options of the models' calls. */
export type JobOptions = CommonOptions & OwnOptions & StableDiffusionOptions & ChatCallOptions;

/** The request of a job. Names are camelCase; snake_case is used only on the wire. */
export type JobRequest = JobInputs &
  JobOptions & {
    readonly mode: JobMode;
    readonly model?: string;
    /** Without effect on the model: it is kept for routes that show the job's pictures later. @default PNG as drawn */
    readonly rendering?: Rendering;
  };

/** A request as it is shown and stored: without the bytes of its pictures. */
export type JobRequestView = Omit<JobRequest, 'image' | 'image2' | 'mask' | 'pictures'>;

export interface JobSample {
  readonly seed: number;
  readonly caption?: string;
  /** Name in the job's folder, for `JobService.file`. */
  readonly file?: string;
  readonly png?: Uint8Array;
  readonly width?: number;
  readonly height?: number;
  /** Marked by a person: a job with one is the last to go. */
  readonly favourite?: true;
  /** Its picture was deleted. It stays in its place, as the numbers of those behind it are known to others. */
  readonly removed?: true;
}

/** What was written of an answer that did not come to its end. */
export interface WrittenSoFar {
  readonly text: string;
  /** Behind how many UTF-16 units of the text its pictures stand, in their order. */
  readonly pictures: readonly { readonly at: number; readonly seed: number }[];
}

export interface PresentAnswer extends WrittenSoFar {
  /** Of its pictures, as far as they are finished; they may still have to be stored. */
  readonly files: readonly (string | undefined)[];
}

export interface JobResult {
  /** The job's id: its files lie under /v1/jobs/<id>/files/. */
  readonly id: string;
  readonly samples: readonly JobSample[];
  readonly unknownWords: readonly string[];
  readonly captionCut: boolean;
  /** Of the pictures given, as in `Result`. */
  readonly familiarity?: number;
  readonly isFamiliar?: boolean;
  /** Of a dialogue's answer that came to its end; the samples are its pictures. */
  readonly answer?: CallAnswer;
  readonly timings: Timings;
}

export interface JobError {
  /** A code of `DuetError`, `generation-failed` or `server-restarted`. */
  readonly code: string;
  readonly message: string;
}

export interface JobProgress {
  readonly step: number;
  readonly steps: number;
  /** Of the picture of an answer that the steps are of. */
  readonly index?: number;
  /** Milliseconds left, as far as the steps so far tell; null before the second one. */
  readonly etaMs: number | null;
}

/** What happens to a job, in order; `id` counts up from 1 within the job. */
export type JobEvent = { readonly id: number } & (
  | { readonly type: 'queued'; readonly position: number }
  | { readonly type: 'started' }
  | ({ readonly type: 'progress' } & JobProgress)
  | {
      readonly type: 'preview';
      readonly step: number;
      /** PNG. */
      readonly images: readonly Uint8Array[];
      /** `indices[i]` is the place of `images[i]` among the job's samples. */
      readonly indices: readonly number[];
    }
  /** A sample is finished, and stored where the job is kept, before the job is. With its bytes. */
  | { readonly type: 'sample'; readonly index: number; readonly sample: JobSample }
  /**
   * A caption or an answer goes on behind its first `at` UTF-16 units. What a client has beyond them holds no more: the job was
   * begun anew.
   */
  | { readonly type: 'text'; readonly delta: string; readonly at: number }
  /** The answer has picture `index` behind its first `at` units; it is drawn while the words go on. */
  | { readonly type: 'image-started'; readonly index: number; readonly seed: number; readonly at: number }
  | { readonly type: 'completed'; readonly result: JobResult }
  /** With what was written by then, for those who have not read it as it came. */
  | { readonly type: 'failed'; readonly error: JobError; readonly written?: WrittenSoFar }
  /** With the samples that were finished by then, if there are any. */
  | { readonly type: 'cancelled'; readonly result?: JobResult; readonly written?: WrittenSoFar }
);

export interface JobView {
  readonly id: string;
  readonly owner: string;
  readonly mode: JobMode;
  readonly status: JobStatus;
  /** Milliseconds since 1970. */
  readonly created: number;
  readonly started?: number;
  readonly ended?: number;
  /** Jobs ahead of a queued one; null once it runs. */
  readonly position: number | null;
  readonly progress: JobProgress | null;
  readonly request: JobRequestView;
  /** Names of the pictures sent in, under which `JobService.file` has them. */
  readonly inputs: readonly string[];
  /** Of a cancelled job: of the samples that were finished by then. */
  readonly result?: JobResult;
  readonly error?: JobError;
  /** Of one that failed or was cancelled after it had begun to write. */
  readonly written?: WrittenSoFar;
  /** Of one that is not over and has begun to write. */
  readonly present?: PresentAnswer;
}

export interface SubmitOptions {
  /** The client that made the request; jobs are listed by owner. */
  readonly owner: string;
  /** The same key of the same owner gives the same job, as long as that is kept. */
  readonly idempotencyKey?: string;
  /** A client waits on an open connection: after a restart no client would read the result. @default false */
  readonly isAwaited?: boolean;
}

export interface RunOptions {
  readonly owner: string;
  readonly signal: AbortSignal;
  readonly onEvent?: (event: JobEvent) => void;
  /** The caller hands out addresses of the result's files: without room for these the job fails. @default false */
  readonly needsFiles?: boolean;
}

export interface JobService {
  /** The outages of the service that runs the jobs, if it is not in this process. */
  readonly outage: Outage | undefined;
  /** @throws DuetError 'queue-full' | 'shutting-down' | 'invalid-argument' | 'storage-full' | 'overloaded' */
  submit(request: JobRequest, options: SubmitOptions): Promise<JobView>;
  view(id: string): JobView | undefined;
  /** The newest first; `before` is the id of the last one of the page before. */
  list(options: { owner: string; limit: number; before?: string }): readonly JobView[];
  cancel(id: string): 'cancelled' | 'over' | 'unknown' | 'expired';
  /** Cancels the job if it is not over, and forgets it with its files; false if there is none. */
  remove(id: string): Promise<boolean>;
  /**
   * Marks a sample of a job that is over as a favourite, or no more.
   * @throws DuetError 'not-found' | 'job-running', and as writes do
   */
  markSample(id: string, index: number, isFavourite: boolean): Promise<void>;
  /** Deletes the picture of a sample; the others keep their places. @throws as `markSample` */
  removePicture(id: string, index: number): Promise<void>;
  /** Replays events after `after`, then goes on live; ends after completed/failed/cancelled. */
  events(id: string, options?: { after?: number; signal?: AbortSignal }): AsyncIterable<JobEvent>;
  /**
   * Runs to the end; if `signal` aborts, the job is cancelled. Result with png bytes: while nothing can be stored the job is
   * done all the same and not kept, unless its files are needed.
   */
  run(request: JobRequest, options: RunOptions): Promise<JobResult>;
  /** The bytes of a result's file. */
  file(id: string, name: string): Promise<Uint8Array | undefined>;
}
