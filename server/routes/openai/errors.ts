/** Errors as OpenAI's clients read them: `{"error": {message, type, param, code}}`, for every status. */
import { type FieldOf, type Problem, problemHeaders, toProblem } from '../../errors.ts';
import { WireFault } from '../compat/wire-fault.ts';

interface OpenaiError {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: {
    readonly error: {
      readonly message: string;
      readonly type: string;
      readonly param: string | null;
      readonly code: string;
    };
  };
}

const types: Readonly<Record<number, string>> = { 403: 'permission_error', 429: 'rate_limit_error' };

/** Any thrown value as an answer. */
export function toOpenaiError(error: unknown, fieldOf?: FieldOf): OpenaiError {
  const problem = problemOf(error, fieldOf);
  const { status, message, param, code } = problem;
  const type = types[status] ?? (status >= 500 ? 'server_error' : 'invalid_request_error');
  // 408 and 409 would be tried again by the SDK, twice.
  const headers = {
    ...problemHeaders(problem),
    ...((status === 408 || status === 499) && { 'x-should-retry': 'false' }),
  };
  return { status, headers, body: { error: { message, type, param, code } } };
}

function problemOf(error: unknown, fieldOf: FieldOf | undefined): Problem {
  if (error instanceof WireFault) return error.problem;
  const problem = toProblem(error, fieldOf);
  return problem.code === 'model_not_found' ? { ...problem, param: 'model' } : problem;
}
