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

/** Requests wait for a lost connection rather than fail. */
export const connectionTo = (url: string) => ({ url, maxRetriesPerRequest: null });

/** The two packages, as far as they are used. */
export interface RedisPackages {
  readonly bullmq: Pick<typeof import('bullmq'), 'Queue' | 'QueueEvents' | 'Worker' | 'UnrecoverableError'>;
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
