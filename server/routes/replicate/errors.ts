/** Errors as Replicate's API writes them: `{title, detail, status}`, with the fields at fault where they are known. */
import { STATUS_CODES } from 'node:http';
import { type FieldOf, problemHeaders, toProblem } from '../../errors.ts';
import { WireFault } from '../compat/wire-fault.ts';

interface ReplicateError {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: {
    readonly title: string;
    readonly detail: string;
    readonly status: number;
    readonly invalid_fields?: readonly {
      readonly type: string;
      readonly field: string;
      readonly description: string;
    }[];
  };
}

const titles: Readonly<Record<number, string>> = {
  401: 'Unauthenticated',
  422: 'Input validation failed',
  499: 'Client closed request',
};
/** Faults of what was asked for, rather than of how it was sent. */
const inputFaults: ReadonlySet<string> = new Set([
  'invalid_value',
  'unsupported_value',
  'missing_required_parameter',
  'invalid_image',
]);

/** Any thrown value as an answer. */
export function toReplicateError(error: unknown, fieldOf?: FieldOf): ReplicateError {
  const problem = error instanceof WireFault ? error.problem : toProblem(error, fieldOf);
  const { code, message, param } = problem;
  const status = problem.status === 400 && inputFaults.has(code) ? 422 : problem.status;
  const title = titles[status] ?? STATUS_CODES[status] ?? 'Error';
  const fields = param === null ? {} : { invalid_fields: [{ type: code, field: param, description: message }] };
  return { status, headers: problemHeaders(problem), body: { title, detail: message, status, ...fields } };
}
