/** Errors as stable-diffusion-webui and FastAPI write them: a list of faults for validation, one detail for all else. */
import { type FieldOf, problemHeaders, toProblem } from '../../errors.ts';
import { WireFault } from '../compat/wire-fault.ts';

interface SdapiError {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: object;
}

/** Any thrown value as an answer. */
export function toSdapiError(error: unknown, fieldOf?: FieldOf): SdapiError {
  if (error instanceof WireFault && error.statusCode === 400)
    return unprocessable(error.message, error.param, error.code);
  if (error instanceof WireFault) return { status: error.statusCode, headers: {}, body: httpException(error.message) };
  const problem = toProblem(error, fieldOf);
  const { status, message, param, code } = problem;
  if (status === 400 && (code === 'invalid_value' || code === 'invalid_image'))
    return unprocessable(message, param, code);
  return { status, headers: problemHeaders(problem), body: httpException(message) };
}

export function httpException(detail: string): object {
  return { error: 'HTTPException', detail, body: '', errors: '' };
}

/** FastAPI's 422: where (`["body", "init_images", 0]`), what and of which kind. */
function unprocessable(msg: string, param: string | null, code: string): SdapiError {
  const fields = param?.split(/[.[\]]+/).filter(part => part !== '') ?? [];
  const loc = ['body', ...fields.map(part => (/^\d+$/.test(part) ? Number(part) : part))];
  const type = code === 'missing_required_parameter' ? 'value_error.missing' : 'value_error';
  return { status: 422, headers: {}, body: { detail: [{ loc, msg, type }] } };
}
