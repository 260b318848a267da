/** What is said of errors: that the server is away, or what was wrong with a request. */
import { ApiError } from './api.ts';
import { notify } from './notices.ts';
import { serverFault } from './state.ts';

/** Tells a person of an error: of a server that is away by the page's own notice, which stays. */
export function report(error: unknown): void {
  if (noticeLoss(error)) return;
  const { code, message } = toFault(error);
  notify(code === 'queue_full' ? 'The queue is full. Try again in a moment.' : message, 'error');
}

/** Whether the error means that nothing can be asked of the server. */
export function noticeLoss(error: unknown): boolean {
  const fault = toFault(error);
  const isLost = fault.status === 401 || fault.status === 0;
  if (isLost) serverFault.value = fault;
  return isLost;
}

/** Any error as one that can be shown. */
export function toFault(error: unknown): ApiError {
  if (error instanceof ApiError) return error;
  return new ApiError(-1, 'unexpected', `The page did not understand the server: ${String(error)}`, { cause: error });
}
