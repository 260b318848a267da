/**
 * One table from error codes to HTTP: status, and whether and when to try again. Each route family renders a `Problem` in
 * its own shape, in one function.
 */
import type { FastifyBaseLogger } from 'fastify';
import { DuetError, type ErrorCode } from '../src/core/errors.ts';
import { snakeCase } from './schemas/snake-case.ts';

/** The server's own codes. */
type ServerErrorCode =
  | 'not-found'
  | 'job-over'
  | 'job-expired'
  | 'job-running'
  | 'cancelled'
  | 'too-large'
  | 'unsupported-media-type'
  | 'unauthorized'
  | 'not-allowed'
  | 'rate-limited'
  | 'queue-full'
  | 'shutting-down'
  | 'overloaded'
  | 'storage-full';

declare module '../src/core/errors.ts' {
  interface ErrorCodes extends Readonly<Record<ServerErrorCode, unknown>> {}
}

interface Answer {
  readonly status: number;
  /** The code on the wire, in snake_case. */
  readonly code: string;
  /** Seconds after which the same request may succeed. */
  readonly retryAfter?: number;
}

/** Nothing that the client could have done otherwise. */
const generationFailed: Answer = { status: 500, code: 'generation_failed' };

const answers: Record<ErrorCode, Answer> = {
  'invalid-argument': { status: 400, code: 'invalid_value' },
  'invalid-image': { status: 400, code: 'invalid_image' },
  'model-not-found': { status: 404, code: 'model_not_found' },
  'not-found': { status: 404, code: 'not_found' },
  'job-over': { status: 409, code: 'job_over' },
  'job-expired': { status: 410, code: 'job_expired' },
  'job-running': { status: 409, code: 'job_running' },
  /** The client went away or somebody cancelled its job; nobody may read the answer. */
  cancelled: { status: 499, code: 'cancelled' },
  'too-large': { status: 413, code: 'request_too_large' },
  'unsupported-media-type': { status: 415, code: 'unsupported_media_type' },
  unauthorized: { status: 401, code: 'invalid_api_key' },
  'not-allowed': { status: 403, code: 'not_allowed' },
  'rate-limited': { status: 429, code: 'rate_limit_exceeded', retryAfter: 5 },
  'queue-full': { status: 429, code: 'queue_full', retryAfter: 5 },
  'shutting-down': { status: 503, code: 'shutting_down', retryAfter: 10 },
  overloaded: { status: 503, code: 'overloaded', retryAfter: 5 },
  'memory-full': { status: 503, code: 'memory_full', retryAfter: 5 },
  'storage-full': { status: 507, code: 'storage_full', retryAfter: 60 },
  'invalid-config': generationFailed,
  'invalid-weights': generationFailed,
  'missing-dependency': generationFailed,
  'checkpoint-mismatch': generationFailed,
  'unsupported-kernel': generationFailed,
  'recording-read': generationFailed,
  'worker-died': generationFailed,
  released: generationFailed,
  'non-finite-loss': generationFailed,
};

export function isErrorCode(code: string): code is ErrorCode {
  return Object.hasOwn(answers, code);
}

/** A code as clients see it: `queue-full` of a failed job is `queue_full`, `invalid-argument` is `invalid_value`. */
export function wireCode(code: string): string {
  return isErrorCode(code) ? answers[code].code : code.replaceAll('-', '_');
}

/** An error as every family needs it to answer. */
export interface Problem {
  readonly status: number;
  /** In snake_case, such as `queue_full`. */
  readonly code: string;
  /** For people; of unexpected errors it tells nothing about the inside. */
  readonly message: string;
  /** The field at fault, where one is known. */
  readonly param: string | null;
  /** Also sends `x-should-retry` and `retry-after`; see `problemHeaders`. */
  readonly retryAfter?: number;
  /** JSON-schema faults, for families that list them. */
  readonly validation?: readonly ValidationFault[];
}

interface ValidationFault {
  readonly instancePath: string;
  readonly keyword: string;
  readonly message?: string;
}

/** What Fastify and its plugins throw: `statusCode`, `code` and for schemas `validation`. */
interface WebError {
  readonly statusCode?: number;
  readonly code?: string;
  readonly message?: string;
  readonly validation?: readonly ValidationFault[];
}

/** Codes of statuses that Fastify's own errors come with. */
const codesOfStatuses: Readonly<Record<number, string>> = {
  400: 'invalid_request',
  401: 'invalid_api_key',
  403: 'not_allowed',
  404: 'unknown_url',
  405: 'method_not_allowed',
  406: 'not_acceptable',
  408: 'request_timeout',
  413: 'request_too_large',
  414: 'uri_too_long',
  415: 'unsupported_media_type',
  429: 'rate_limit_exceeded',
  431: 'headers_too_large',
  503: 'overloaded',
};

/** Where Fastify's own words do not say what is allowed. */
const messagesOfStatuses: Readonly<Record<number, string>> = {
  415: 'A body must be application/json or multipart/form-data, as its content-type says; send one of these',
};

/** Of Fastify's own errors, some of which hold the whole address. */
const longestMessage = 300;

/** The field of a request that an option or input of a call came from. */
export type FieldOf = (name: string) => string;

/**
 * Any thrown value as a problem. Unknown errors are a plain 500: what happened is for the log.
 * @param fieldOf @default the name in snake_case
 */
export function toProblem(error: unknown, fieldOf: FieldOf = snakeCase): Problem {
  if (DuetError.isInstance(error)) {
    const { retryAfter, field } = error;
    return {
      ...answers[error.code],
      ...(retryAfter !== undefined && { retryAfter }),
      message: error.message,
      param: field === undefined ? null : fieldOf(field),
    };
  }
  const { statusCode, message, validation } = (error ?? {}) as WebError;
  if (validation?.[0]) return toValidationProblem(validation);
  if (statusCode === undefined || statusCode < 400 || statusCode >= 600 || statusCode === 500) return unexpected;
  const code = codesOfStatuses[statusCode] ?? 'invalid_request';
  return {
    status: statusCode,
    code,
    message: (messagesOfStatuses[statusCode] ?? message ?? code).slice(0, longestMessage),
    param: null,
    ...((statusCode === 429 || statusCode === 503) && { retryAfter: 5 }),
  };
}

const unexpected: Problem = {
  status: 500,
  code: 'generation_failed',
  message: 'The server failed at this request; its log says why under the id of x-request-id',
  param: null,
};

function toValidationProblem(validation: readonly ValidationFault[]): Problem {
  const { instancePath, keyword, message = 'is not valid' } = validation[0]!;
  const param = instancePath.slice(1).replaceAll('/', '.') || null;
  const code = keyword === 'required' ? 'missing_required_parameter' : 'invalid_value';
  return { status: 400, code, message: `${param ?? 'The request'} ${message}`, param, validation };
}

/** A fault inside is an error of ours; what is full, stopping or away elsewhere is told in a line. */
export function logFault(log: Pick<FastifyBaseLogger, 'error' | 'warn'>, error: unknown, status: number): void {
  if (status === 500) log.error({ err: error }, 'a request failed');
  else if (status > 500)
    log.warn({ reason: error instanceof Error ? error.message : String(error) }, 'a request was put off');
}

/** Headers that tell clients whether to try again: a failed generation or a full disk is not worth two more at once. */
export function problemHeaders({ status, retryAfter }: Problem): Record<string, string> {
  return {
    ...(retryAfter !== undefined && { 'retry-after': String(retryAfter) }),
    ...((status === 500 || status === 507) && { 'x-should-retry': 'false' }),
  };
}
