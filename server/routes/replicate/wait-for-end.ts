/** `Prefer: wait`: clients that would rather wait for the end of a prediction than ask for it again and again. */
import type { FastifyRequest } from 'fastify';

const defaultSeconds = 60;
const mostSeconds = 600;
const wait = /(?:^|[\s,;])wait(?:=(\d{1,9}))?(?:$|[\s,;])/i;

/** Seconds that a client is ready to wait: 0 if it did not say so, 60 if it did not say how long. */
export function secondsToWait({ headers }: Pick<FastifyRequest, 'headers'>): number {
  const match = wait.exec(String(headers.prefer ?? ''));
  if (!match) return 0;
  return Math.min(mostSeconds, Number(match[1] ?? defaultSeconds));
}

/**
 * Until the job is over, or for so many seconds. A client that hangs up cancels the job, as it was never told its id.
 * @throws DuetError 'cancelled' if it does
 */
export async function waitForEnd({ server, hangUp }: FastifyRequest, id: string, seconds: number): Promise<void> {
  const signal = AbortSignal.any([hangUp, AbortSignal.timeout(seconds * 1000)]);
  const events = server.jobs.events(id, { signal })[Symbol.asyncIterator]();
  while (!(await events.next()).done);
  if (!hangUp.aborted) return;
  server.jobs.cancel(id);
  hangUp.throwIfAborted();
}
