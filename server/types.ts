/** What the server adds to Fastify: the decorators that routes work with. */
import type { CaptionReport, ModelDescription, Pipeline } from '../src/pipelines/index.ts';
import type { ServerConfig } from './config.ts';
import type { JobService } from './jobs/types.ts';

/** What the server needs of a loaded model. */
export type ServedModel = Pipeline;

/** What clients are told about a model: what it can do, as its family describes it. */
export interface ModelInfo extends ModelDescription {
  /** The name that clients ask for, such as `emoji`. */
  readonly id: string;
  /** Seconds since 1970. */
  readonly created: number;
  /** What the model makes of a caption's words, without running it. */
  inspectCaption(text: string): CaptionReport;
  /** The words that it was trained on, if they are known here. */
  readonly vocabulary?: readonly string[];
}

/** A model with what is told about it. */
export interface LoadedModel {
  readonly info: ModelInfo;
  /** Null where workers elsewhere have it. */
  readonly model: ServedModel | null;
  /** How long loading took. */
  readonly loadSeconds?: number;
}

export interface ModelList {
  /** The default model first. */
  list(): readonly ModelInfo[];
  get(id: string): ModelInfo | undefined;
}

/** Pictures from requests: sizes, formats and pixels are checked before anything is queued. */
export interface PictureInput {
  /** The uploaded file itself, if it is a picture within the limits. @throws DuetError 'invalid-image' | 'too-large' */
  check(bytes: Uint8Array): Promise<Uint8Array>;
  /**
   * The file behind base64 text, a data URL or (where configuration allows it) an http(s) URL, checked.
   * @throws DuetError 'invalid-image' | 'too-large' | 'not-allowed'
   */
  fromText(text: string, signal?: AbortSignal): Promise<Uint8Array>;
}

declare module 'fastify' {
  interface FastifyInstance {
    readonly config: ServerConfig;
    readonly jobs: JobService;
    readonly models: ModelList;
    readonly pictures: PictureInput;
    /** Takes no more jobs, waits so many milliseconds for the running ones and stops the rest: before `close`. */
    drain(milliseconds: number): Promise<void>;
  }
  interface FastifyRequest {
    /** Who asks: the same for all requests with one API key; 'anonymous' without keys. Set by the auth plugin. */
    owner: string;
    /** Aborts when the client hangs up before the answer is complete: hand it to `jobs.run`. */
    readonly disconnected: AbortSignal;
  }
}
