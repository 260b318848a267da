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
 * Until the job is over, or for so many seconds. A client that hangs up cancels the job, as it was never told its id; so
 * does one that is told that the workers are away.
 * @throws DuetError 'cancelled' if it hangs up, 'overloaded' while the workers are away for long
 */
export async function waitForEnd({ server, disconnected }: FastifyRequest, id: string, seconds: number): Promise<void> {
  const { jobs } = server;
  const outage = new AbortController();
  const stopListening = jobs.outage?.listen(fault => outage.abort(fault));
  const signal = AbortSignal.any([disconnected, outage.signal, AbortSignal.timeout(seconds * 1000)]);
  const events = jobs.events(id, { signal })[Symbol.asyncIterator]();
  while (!(await events.next()).done);
  stopListening?.();
  const reason = AbortSignal.any([disconnected, outage.signal]);
  if (reason.aborted && jobs.cancel(id) === 'cancelled') reason.throwIfAborted();
}
