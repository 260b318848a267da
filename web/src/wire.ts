/** The native API's JSON as it is on the wire: snake_case here, and nowhere else in the page. */

export type JobMode = 't2i' | 'i2t' | 'joint' | 'i' | 't' | 'i2t2i' | 't2i2t' | 'gibbs' | 'interpolate' | 'inpaint';
export type JobStatus = 'queued' | 'running' | 'succeeded' | 'failed' | 'cancelled';

/** The value of an option. */
export type OptionValue = string | number;

/** The fields of a job that the page knows by name. Pictures are data URLs. */
export interface JobFields {
  mode: JobMode;
  model?: string;
  prompt?: string;
  prompt2?: string;
  negative_prompt?: string;
  image?: string;
  image2?: string;
  mask?: string;
  n?: number;
  seed?: number;
  steps?: number;
  guidance?: number;
  solver?: string;
  frames?: number;
  rounds?: number;
  strength?: number;
  preview_every?: number;
}

/** The body of POST /v1/jobs: beside the known fields, any option that the server has. */
export interface JobBody extends JobFields {
  [option: string]: OptionValue | undefined;
}

export interface WireSample {
  seed: number;
  caption?: string;
  url?: string;
  width?: number;
  height?: number;
}

export interface WireResult {
  samples: WireSample[];
  unknown_words?: string[];
  caption_cut?: boolean;
  /** False where a picture given looks unlike what the model knows; absent where that is not known. */
  is_familiar?: boolean;
  timings?: { total?: number };
}

export interface WireError {
  code: string;
  message: string;
}

export interface WireProgress {
  step: number;
  steps: number;
  eta_ms: number | null;
}

/** What was asked for; the pictures that were sent are kept as files. */
export type WireRequest = Partial<Omit<JobFields, 'image' | 'image2' | 'mask'>> & {
  image_url?: string;
  image2_url?: string;
  mask_url?: string;
};

/** GET /v1/jobs/:id, and each entry of GET /v1/jobs. */
export interface WireJob {
  id: string;
  mode: JobMode;
  status: JobStatus;
  /** Seconds since 1970, as the other times. */
  created: number;
  started: number | null;
  ended: number | null;
  queue_position: number | null;
  progress: WireProgress | null;
  request: WireRequest;
  result: WireResult | null;
  error: WireError | null;
}

/** One server-sent event of a job; `type` is the event's name. */
export type WireEvent =
  | { type: 'queued'; position: number }
  | { type: 'started' }
  | ({ type: 'progress' } & WireProgress)
  | { type: 'preview'; step: number; images: string[] }
  | { type: 'text'; delta: string }
  | { type: 'completed'; result: WireResult }
  | { type: 'failed'; error: WireError }
  | { type: 'cancelled'; result?: WireResult };

/** What a mode can be asked for. */
export interface WireCall {
  /** Names in `options`. */
  options: string[];
  /** What it takes for options that are not sent. */
  defaults: { steps: number; guidance: number; [option: string]: OptionValue };
}

export interface OptionSchema {
  type?: 'integer' | 'number' | 'string' | 'boolean';
  enum?: string[];
  minimum?: number;
  maximum?: number;
  description?: string;
}

/** GET /v1/capabilities: what the page's fields allow and begin with. */
export interface Capabilities {
  model: string;
  modes: JobMode[];
  solvers: string[];
  image_size: number;
  calls: Partial<Record<JobMode, WireCall>>;
  /** By name: what each option allows. */
  options: Record<string, OptionSchema>;
  limits: { n: number; steps: number; frames: number; rounds: number };
  examples: string[];
}
