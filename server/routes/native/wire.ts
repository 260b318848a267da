/**
 * The native API's JSON as it is on the wire, in snake_case: the one place of these types, for the routes that write it and
 * for the page that reads it.
 */
import type { CallSpec, DialogueDescription, InputName, Limits } from '../../../src/pipelines/index.ts';
import type { JobStatus } from '../../jobs/types.ts';

/** The value of an option. */
export type OptionValue = string | number | boolean;

/** Where a job is. */
export interface WireUrls {
  readonly get: string;
  readonly events: string;
  readonly cancel: string;
}

/** The answer to POST /v1/jobs. */
export interface AcceptedJob {
  readonly id: string;
  readonly status: JobStatus;
  readonly queue_position: number | null;
  /** Seconds since 1970, as the other times. */
  readonly created: number;
  readonly urls: WireUrls;
}

/** GET /v1/jobs/ID. */
export interface WireJob extends WireJobSummary {
  readonly request: WireRequest;
  readonly result: WireResult | null;
  /** Of a job that failed or was cancelled after it had begun to write. */
  readonly written?: WireWritten;
}

/** An entry of GET /v1/jobs: the job without the messages of its dialogue and without what its answer says. */
export interface WireJobSummary extends AcceptedJob {
  readonly mode: string;
  readonly started: number | null;
  readonly ended: number | null;
  readonly progress: WireProgress | null;
  readonly request: Omit<WireRequest, 'messages'>;
  /** Of jobs that were given a dialogue. */
  readonly dialogue?: WireDialogueSummary;
  /** Of a cancelled job: of the samples that were finished by then. */
  readonly result: (Omit<WireResult, 'answer'> & { readonly answer?: Omit<WireAnswer, 'content'> }) | null;
  readonly error: WireError | null;
}

/** What was written of an answer that did not come to its end. */
export interface WireWritten {
  readonly text: string;
  /** Behind how many UTF-16 units of the text its pictures stand, in their order. */
  readonly pictures: readonly { readonly at: number; readonly seed: number }[];
}

/** How much a dialogue holds, and what was said last. */
export interface WireDialogueSummary {
  readonly messages: number;
  readonly pictures: number;
  /** The words of the last message, up to 200 characters; an ellipsis behind them stands for the others. */
  readonly last_words: string;
}

/** A message of a dialogue as it was sent, with the addresses of its pictures. */
export interface WireMessage {
  readonly role: 'system' | 'user' | 'assistant';
  readonly content: readonly (
    | { readonly type: 'text'; readonly text: string }
    | { readonly type: 'image'; readonly image_url: string }
  )[];
}

/** What was asked for: texts and options by their names. The pictures that were sent are kept as files. */
export interface WireRequest {
  readonly prompt?: string;
  readonly prompt2?: string;
  readonly image_url?: string;
  readonly image2_url?: string;
  readonly mask_url?: string;
  readonly messages?: readonly WireMessage[];
  readonly [option: string]: unknown;
}

export interface WireResult {
  readonly samples: readonly WireSample[];
  readonly unknown_words: readonly string[];
  readonly caption_cut: boolean;
  /** How much a picture given looks like what the model has learnt, in dB. */
  readonly familiarity?: number;
  /** False where that is below the model's threshold. */
  readonly is_familiar?: boolean;
  /** Of a dialogue that was answered to the end; the samples are the answer's pictures. */
  readonly answer?: WireAnswer;
  /** Milliseconds. */
  readonly timings: { readonly total: number };
}

export interface WireAnswer {
  /** In the order in which the model wrote and drew; `index` is a picture's place among the samples. */
  readonly content: readonly (
    | { readonly type: 'text'; readonly text: string }
    | { readonly type: 'image'; readonly index: number }
  )[];
  /** `length` if it was as long as it may be. */
  readonly finish_reason: 'stop' | 'length';
  /** Of the words. */
  readonly seed: number;
  readonly prompt_tokens: number;
  readonly answer_tokens: number;
}

export interface WireSample {
  readonly seed: number;
  readonly caption?: string;
  /** With a picture: where it is, and its size in pixels. */
  readonly url?: string;
  readonly width?: number;
  readonly height?: number;
  readonly favourite?: true;
  /** Its picture was deleted; the others have kept their places. */
  readonly removed?: true;
}

export interface WireError {
  readonly code: string;
  readonly message: string;
}

export interface WireProgress {
  readonly step: number;
  readonly steps: number;
  /** Of the picture of an answer that the steps are of. */
  readonly index?: number;
  readonly eta_ms: number | null;
}

/** The data of a server-sent event of a job; `type` is the event's name. */
export type WireEvent = { readonly id: number } & (
  | { readonly type: 'queued'; readonly position: number }
  | { readonly type: 'started' }
  | ({ readonly type: 'progress' } & WireProgress)
  /** PNG in base64; `indices[i]` is the place of `images[i]` among the job's samples. */
  | {
      readonly type: 'preview';
      readonly step: number;
      readonly images: readonly string[];
      readonly indices: readonly number[];
    }
  /** A sample that is finished before the job is. */
  | { readonly type: 'sample'; readonly index: number; readonly sample: WireSample }
  /** A caption or an answer goes on behind its first `at` UTF-16 units; what a client has beyond them holds no more. */
  | { readonly type: 'text'; readonly delta: string; readonly at: number }
  /** The answer has picture `index` behind its first `at` units. */
  | { readonly type: 'image-started'; readonly index: number; readonly seed: number; readonly at: number }
  | { readonly type: 'completed'; readonly result: WireResult }
  | { readonly type: 'failed'; readonly error: WireError; readonly written?: WireWritten }
  | { readonly type: 'cancelled'; readonly result?: WireResult; readonly written?: WireWritten }
);

/** The answer to POST /v1/pictures/request. */
export interface PictureRequest {
  /** As the body of POST /v1/jobs, without the pictures given; null if the file tells none that the model takes. */
  readonly request: ({ readonly mode: string } & WireRequest) | null;
  /** Names of what the file tells and the model does not take. */
  readonly left_out: readonly string[];
}

/** What an option allows, and how it is shown to people. */
export interface OptionSchema extends Limits {
  readonly multipleOf?: number;
  /** What people know the values of an enum by. */
  readonly 'x-titles'?: Readonly<Record<string, string>>;
  readonly title?: string;
  readonly description?: string;
  readonly default?: OptionValue;
}

/** What a mode can be asked for. */
export interface WireCall extends Pick<CallSpec, 'title' | 'verb' | 'summary' | 'needs' | 'takes' | 'makes'> {
  /** Names in `options`. */
  readonly options: readonly string[];
  /** Those that nothing in it acts on. */
  readonly without_effect: readonly string[];
  /** Options that only work with a certain input. */
  readonly option_needs: Readonly<Record<string, InputName>>;
  /** What it takes for options that are not sent. */
  readonly defaults: Readonly<Record<string, OptionValue>>;
}

/** The answer to GET /v1/capabilities. */
export interface Capabilities {
  readonly model: string;
  readonly family: string;
  readonly models: readonly string[];
  readonly modes: readonly string[];
  /** By mode. */
  readonly calls: Readonly<Record<string, WireCall>>;
  /** By name: what each option allows. */
  readonly options: Readonly<Record<string, OptionSchema>>;
  readonly solvers: readonly string[];
  /** Side of the pictures in pixels; null of models that do not draw. */
  readonly image_size: number | null;
  readonly defaults: { readonly steps: number | undefined; readonly guidance: Readonly<Record<string, number>> };
  readonly limits: Readonly<
    Record<
      | 'n'
      | 'steps'
      | 'frames'
      | 'rounds'
      | 'request_bytes'
      | 'image_pixels'
      /** Of the dialogue that a request holds, all its messages together. */
      | 'messages'
      | 'message_pictures'
      | 'message_characters',
      number | undefined
    >
  >;
  readonly familiarity: { readonly threshold: number } | null;
  /** Of models that answer in dialogues; null of others. */
  readonly dialogue: DialogueDescription | null;
  /** Prompts that show what the model can do. */
  readonly examples: readonly string[];
  /** The words that it was trained on; null where they are not known. */
  readonly vocabulary: readonly string[] | null;
}

/** The answer to POST /v1/captions/inspect. */
export interface CaptionInspection {
  /** Words that the model was not trained on, as it reads them. */
  readonly unknown_words: readonly string[];
  /** The caption is too long: its end would be ignored. */
  readonly caption_cut: boolean;
}
