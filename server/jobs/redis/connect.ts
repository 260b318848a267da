/** What the front and its workers agree on, and the optional packages that speak to Redis. */
import { DuetError } from '../../../src/core/errors.ts';

export interface RedisTiming {
  /** How long a worker may be silent before its jobs go to another one. @default 15 seconds */
  readonly lockMs?: number;
}

export const defaultLockMs = 15_000;
/** A worker takes what waits for its model. */
export const queueOf = (model: string) => `duet-${model.replaceAll(':', '_')}`;
/** Ids of jobs that were cancelled are told on this channel. */
export const cancelChannel = 'duet-cancelled';

/** To cut connections; it never ends for one that is being tried again. */
export const disconnectMs = 500;

const longestPauseMs = 1000;
const sameTroubleMs = 30_000;

/** Requests wait for a lost connection, which is tried again at least every second, rather than fail. */
export const connectionOptions = {
  maxRetriesPerRequest: null,
  retryStrategy: (attempt: number) => Math.min(longestPauseMs, 50 * attempt),
};
export const connectionTo = (url: string) => ({ url, ...connectionOptions });

/** Several connections fail with the same words many times a minute while Redis is away: they are reported now and then. */
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

/** Resolves with true if `work` ended within the time, whichever way. */
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

/** Keeps no process alive. */
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
