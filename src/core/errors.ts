/**
 * One table of coded errors: the single source for messages, exit codes, docs and HTTP statuses.
 * A message says what was wrong, what is allowed and what to do next.
 */

const marker = Symbol.for('duet.error');

/** Codes and the kind of fault: `input` (the caller can fix it; CLI exit code 2) or `runtime` (exit code 1). */
export const errorCodes = {
  'invalid-argument': 'input',
  'invalid-config': 'input',
  'invalid-image': 'input',
  'invalid-weights': 'input',
  'model-not-found': 'input',
  'missing-dependency': 'input',
  'checkpoint-mismatch': 'input',
  'unsupported-kernel': 'runtime',
  'recording-read': 'runtime',
  'worker-died': 'runtime',
  released: 'runtime',
  'non-finite-loss': 'runtime',
  // Of the server; server/errors.ts maps all codes to HTTP.
  'queue-full': 'runtime',
  'shutting-down': 'runtime',
  'rate-limited': 'runtime',
  overloaded: 'runtime',
  'storage-full': 'runtime',
  'too-large': 'input',
  'unsupported-media-type': 'input',
  unauthorized: 'input',
  'not-allowed': 'input',
  'not-found': 'input',
  'job-over': 'input',
  'job-expired': 'input',
  cancelled: 'runtime',
} as const;

export type ErrorCode = keyof typeof errorCodes;

export interface DuetErrorOptions {
  readonly cause?: unknown;
  /** Seconds after which the same request may succeed. */
  readonly retryAfter?: number;
}

/** An error with a stable `code`; `DuetError.isInstance` works across copies of the library. */
export class DuetError extends Error {
  readonly code: ErrorCode;
  readonly retryAfter: number | undefined;
  readonly [marker] = true;

  constructor(code: ErrorCode, message: string, options?: DuetErrorOptions) {
    super(message, options);
    this.name = 'DuetError';
    this.code = code;
    this.retryAfter = options?.retryAfter;
  }

  static isInstance(error: unknown): error is DuetError {
    return typeof error === 'object' && error !== null && marker in error;
  }
}
