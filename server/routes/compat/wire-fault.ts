/** A request that cannot be served as it stands: each family puts it into its own shape (`toOpenaiError`, `toSdapiError`). */

import type { Problem } from '../../errors.ts';

/** What is wrong with a value, in OpenAI's words. */
type FaultCode =
  | 'invalid_value'
  | 'missing_required_parameter'
  | 'unsupported_value'
  | 'model_not_found'
  | 'not_found'
  | 'request_too_large'
  | 'invalid_image';

const statuses: Readonly<Partial<Record<FaultCode, number>>> = {
  model_not_found: 404,
  not_found: 404,
  request_too_large: 413,
};

export class WireFault extends Error {
  readonly statusCode: number;
  readonly code: FaultCode;
  /** The field, such as `size` or `messages[0].content`; null if it is not about one. */
  readonly param: string | null;

  constructor(code: FaultCode, param: string | null, message: string) {
    super(message);
    this.name = 'WireFault';
    this.statusCode = statuses[code] ?? 400;
    this.code = code;
    this.param = param;
  }

  get problem(): Problem {
    return { status: this.statusCode, code: this.code, message: this.message, param: this.param };
  }
}
