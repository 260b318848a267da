/**
 * Jobs done by workers elsewhere: handed over through a BullMQ queue on Redis or Valkey under their own ids, so that handing
 * one over twice (after a restart of this process or of Redis) is still one job. History, files and owners stay here.
 */
import { DuetError, errorCodes } from '../../../src/core/errors.ts';

import type { JobObserver } from '../observers.ts';
import type { Perform } from '../perform.ts';
import type { JobError } from '../types.ts';
import { cancelChannel, connectionTo, loadRedisPackages, queueOf } from './connect.ts';
import { receiveEvent, receiveResult, type SentEvent, type SentRequest, type SentResult, sendRequest } from './wire.ts';

export interface RedisFront {
  readonly perform: Perform;
  /** Removes from Redis what is over here. */
  readonly observer: JobObserver;
  close(): Promise<void>;
}

/** Events may be lost with a connection: this often the job itself is looked at. */
const lookMs = 2000;
/** Results that no front came back for. */
const keepSeconds = 24 * 3600;
/** Events that a front which lost its connection can catch up with. */
const keptEvents = 1000;

export async function openRedisFront(
  url: string,
  model: string,
  onError: (error: unknown) => void,
): Promise<RedisFront> {
  const { bullmq, Redis } = await loadRedisPackages();
  const connection = connectionTo(url);
  const name = queueOf(model);
  const queue = new bullmq.Queue<SentRequest, SentResult>(name, {
    connection,
    streams: { events: { maxLen: keptEvents } },
  });
  const events = new bullmq.QueueEvents(name, { connection });
  const publisher = new Redis(url, { maxRetriesPerRequest: null });
  queue.on('error', onError);
  events.on('error', onError);
  publisher.on('error', onError);
  const followers = new Map<string, { emit: (event: SentEvent) => void; look: () => void }>();
  events.on('progress', ({ jobId, data }) => followers.get(jobId)?.emit(data as SentEvent));
  events.on('completed', ({ jobId }) => followers.get(jobId)?.look());
  events.on('failed', ({ jobId }) => followers.get(jobId)?.look());
  await queue.waitUntilReady();
  await events.waitUntilReady();

  const perform: Perform = async ({ id, isAwaited }, _model, request, { signal, emit }) => {
    const handOver = () =>
      queue.add('job', sendRequest(request), {
        jobId: id,
        removeOnComplete: { age: keepSeconds },
        removeOnFail: { age: keepSeconds },
        ...priorityOf(request.priority),
      });
    let wake: () => void = () => {};
    followers.set(id, { emit: event => emit(receiveEvent(event)), look: () => wake() });
    const onAbort = () => wake();
    signal.addEventListener('abort', onAbort);
    try {
      await handOver();
      for (;;) {
        if (signal.aborted) await giveUp(id, isAwaited, signal.reason);
        signal.throwIfAborted();
        const changed = new Promise<void>(resolve => {
          wake = resolve;
        });
        const job = await queue.getJob(id);
        if (!job) await handOver(); // Redis came back without it
        const state = await job?.getState();
        if (state === 'completed') return await receiveResult(job!.returnvalue);
        if (state === 'failed') throw toFailure(job!.failedReason);
        await Promise.race([changed, later(lookMs)]);
      }
    } finally {
      followers.delete(id);
      signal.removeEventListener('abort', onAbort);
    }
  };

  /** A job that the next process comes back for is left alone. */
  async function giveUp(id: string, isAwaited: boolean, reason: unknown): Promise<void> {
    const isPutOff = DuetError.isInstance(reason) && reason.code === 'shutting-down' && !isAwaited;
    if (isPutOff) return;
    await publisher.publish(cancelChannel, id);
    await queue.remove(id).catch(() => {}); // a worker holds it and is told above
  }

  return {
    perform,
    observer: {
      started: () => {},
      step: () => {},
      ended: ({ id }) => void queue.remove(id).catch(() => {}),
    },
    async close() {
      publisher.disconnect();
      await events.close();
      await queue.close();
    },
  };
}

/** BullMQ takes the smallest positive number first. */
function priorityOf(priority = 0): { priority: number } {
  const middle = 100;
  return { priority: middle - priority };
}

function toFailure(reason: string | undefined): unknown {
  try {
    const { code, message } = JSON.parse(reason ?? '') as JobError;
    if (Object.hasOwn(errorCodes, code)) return new DuetError(code as keyof typeof errorCodes, message);
  } catch {
    // BullMQ's own words, such as "job stalled more than allowable limit".
  }
  return new DuetError('worker-died', `The workers failed at the job: ${reason}`);
}

function later(milliseconds: number): Promise<void> {
  return new Promise(resolve => {
    setTimeout(resolve, milliseconds).unref();
  });
}
