/**
 * Errors with stable codes. A message says what was wrong, what is allowed and what to do next.
 */

const marker = Symbol.for('duet.error');

/** Codes of the library and the kind of fault: `input` (the caller can fix it; CLI exit code 2) or `runtime` (exit code 1). */
const libraryCodes = {
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
  'memory-full': 'runtime',
  released: 'runtime',
  'non-finite-loss': 'runtime',
} as const;

type LibraryCodes = typeof libraryCodes;

/** All codes. A program built on the library declares its own by extending this interface, as server/errors.ts does. */
export interface ErrorCodes extends LibraryCodes {}

export type ErrorCode = keyof ErrorCodes;

/** Whether the caller can mend what an error of this code is about. */
export function isInputFault(code: ErrorCode): boolean {
  return Object.hasOwn(libraryCodes, code) && libraryCodes[code as keyof LibraryCodes] === 'input';
}

export interface DuetErrorOptions {
  readonly cause?: unknown;
  /** The option or input at fault, by its camelCase name. */
  readonly field?: string;
  /** Seconds after which the same request may succeed. */
  readonly retryAfter?: number;
}

/** An error with a stable `code`; `DuetError.isInstance` works across copies of the library. */
export class DuetError extends Error {
  readonly code: ErrorCode;
  readonly retryAfter: number | undefined;
  readonly field: string | undefined;
  readonly [marker] = true;

  constructor(code: ErrorCode, message: string, options?: DuetErrorOptions) {
    super(message, options);
    this.name = 'DuetError';
    this.code = code;
    this.retryAfter = options?.retryAfter;
    this.field = options?.field;
  }

  static isInstance(error: unknown): error is DuetError {
    return typeof error === 'object' && error !== null && marker in error;
  }
}
