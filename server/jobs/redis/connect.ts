/** The names and times that the front and its workers share, and the optional packages that connect to Redis. */
import { DuetError } from '../../../src/core/errors.ts';

export interface RedisTiming {
  /** How long a worker may be silent before its jobs go to another one. @default 15 seconds */
  readonly lockMs?: number;
}

export const defaultLockMs = 15_000;
/** The name of the queue of a model, from which its workers take jobs. */
export const queueOf = (model: string) => `duet-${model.replaceAll(':', '_')}`;
/** The channel on which the ids of cancelled jobs are published. */
export const cancelChannel = 'duet-cancelled';

/** Milliseconds for closing connections: a close never ends while the connection is being retried. */
export const disconnectMs = 500;

const longestPauseMs = 1000;
const sameTroubleMs = 30_000;

/** Requests wait for a lost connection, which is tried again at least every second, rather than fail. */
export const connectionOptions = {
  maxRetriesPerRequest: null,
  retryStrategy: (attempt: number) => Math.min(longestPauseMs, 50 * attempt),
};
export const connectionTo = (url: string) => ({ url, ...connectionOptions });

/**
 * While Redis is unreachable, several connections fail with the same message many times a minute: it is reported at
 * intervals.
 */
export function reportSeldom(report: (error: unknown) => void): (error: unknown) => void {
  const reported = new Map<string, number>();
  return error => {
    const text = String(error);
    if (Date.now() - (reported.get(text) ?? 0) < sameTroubleMs) return;
    if (reported.size > 100) reported.clear();
    reported.set(text, Date.now());
    report(error);
  };
}

/** Resolves with true if `work` was settled within the time. */
export async function endsWithin(milliseconds: number, work: Promise<unknown>): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<false>(resolve => {
    timer = setTimeout(() => resolve(false), milliseconds);
  });
  const ended = work.then(
    () => true,
    () => true,
  );
  const isInTime = await Promise.race([ended, late]);
  clearTimeout(timer);
  return isInTime;
}

/** Resolves after the time; the timer does not keep the process running. */
export function later(milliseconds: number): Promise<void> {
  return new Promise(resolve => {
    setTimeout(resolve, milliseconds).unref();
  });
}

/** The two packages, as far as they are used. */
export interface RedisPackages {
  readonly bullmq: Pick<
    typeof import('bullmq'),
    'Queue' | 'QueueEvents' | 'Worker' | 'UnrecoverableError' | 'WaitingError'
  >;
  readonly Redis: typeof import('ioredis').Redis;
}

/** @throws DuetError 'missing-dependency' */
export async function loadRedisPackages(): Promise<RedisPackages> {
  try {
    const [bullmq, { Redis }] = await Promise.all([import('bullmq'), import('ioredis')]);
    return { bullmq, Redis };
  } catch (error) {
    throw new DuetError('missing-dependency', 'A queue on Redis needs two packages: npm install bullmq ioredis', {
      cause: error,
    });
  }
}
