/** Messages for errors: that the server cannot be reached, or what was wrong with a request. */
import { ApiError } from './api.ts';
import { notify } from './notices.ts';
import { serverFault } from './state.ts';

/** Shows an error; that the server cannot be reached is a notice of its own, which stays. */
export function report(error: unknown): void {
  if (noticeLoss(error)) return;
  const { code, message } = toFault(error);
  notify(code === 'queue_full' ? 'The queue is full. Try again in a moment.' : message, 'error');
}

/** Whether the error means that the server cannot be used at all. */
export function noticeLoss(error: unknown): boolean {
  const fault = toFault(error);
  const isLost = fault.status === 401 || fault.status === 0;
  if (isLost) serverFault.value = fault;
  return isLost;
}

/** Turns any error into one that can be shown. */
export function toFault(error: unknown): ApiError {
  if (error instanceof ApiError) return error;
  return new ApiError(-1, 'unexpected', `The page did not understand the server: ${String(error)}`, { cause: error });
}
