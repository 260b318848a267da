/**
 * Jobs that workers in other processes run. They are added to a BullMQ queue on Redis or Valkey under their own ids, so
 * that adding one twice (after a restart of this process or of Redis) still makes one job. History, files and owners are
 * kept by this process, and jobs that Redis lost are added again: Redis transports jobs to the workers, it does not keep
 * them.
 */
import { DuetError } from '../../../src/core/errors.ts';
import { isErrorCode } from '../../errors.ts';
import type { Execute } from '../execute.ts';
import type { JobObserver } from '../observers.ts';
import { Outage } from '../outage.ts';
import type { JobError } from '../types.ts';
import {
  cancelChannel,
  connectionOptions,
  connectionTo,
  disconnectMs,
  endsWithin,
  later,
  loadRedisPackages,
  queueOf,
  reportSeldom,
} from './connect.ts';
import { watchRedis } from './heartbeat.ts';
import {
  receiveEvent,
  receiveResult,
  type SentProgress,
  type SentRequest,
  type SentResult,
  sendRequest,
} from './wire.ts';

export interface RedisProducer {
  readonly execute: Execute;
  /** The outages of Redis. */
  readonly outage: Outage;
  /** Removes jobs from Redis that have ended here. */
  readonly observer: JobObserver;
  close(): Promise<void>;
}

/** Events may be lost with a connection, so the job itself is read at this interval. */
const lookMs = 2000;
/** How long clients that wait on an open connection wait for a lost Redis. */
const defaultTimeoutMs = 10_000;
/** How long results are kept that no front has fetched. */
const keepSeconds = 24 * 3600;
/** The number of events that are kept for a front which lost its connection. */
const keptEvents = 1000;
/** Milliseconds for closing the connections to Redis, which may be stopping too. */
const closeMs = 2000;

/** How a job ended on a worker. */
type Ending = { readonly result: SentResult } | { readonly reason: string | undefined };

/** `report` is called with errors that end when Redis is reachable again. */
export async function openRedisProducer(
  url: string,
  model: string,
  report: (error: unknown) => void,
  timeoutMs = defaultTimeoutMs,
): Promise<RedisProducer> {
  const onError = reportSeldom(report);
  const { bullmq, Redis } = await loadRedisPackages();
  const connection = connectionTo(url);
  const name = queueOf(model);
  const queue = new bullmq.Queue<SentRequest, SentResult>(name, {
    connection,
    streams: { events: { maxLen: keptEvents } },
  });
  const events = new bullmq.QueueEvents(name, { connection });
  const publisher = new Redis(url, connectionOptions);
  const outage = new Outage({ message: 'The queue of the workers cannot be reached or written', timeoutMs });
  const stopWatching = watchRedis(publisher, outage);
  queue.on('error', onError);
  events.on('error', onError);
  publisher.on('error', onError);
  const followers = new Map<string, { receive: (sent: SentProgress) => void; wake: () => void }>();
  events.on('progress', ({ jobId, data }) => followers.get(jobId)?.receive(data as SentProgress));
  events.on('completed', ({ jobId }) => followers.get(jobId)?.wake());
  events.on('failed', ({ jobId }) => followers.get(jobId)?.wake());
  const givenUp = new Set<Promise<void>>();
  await queue.waitUntilReady();
  await events.waitUntilReady();

  const execute: Execute = async ({ id, isAwaited }, _model, request, { signal, emit, finish }) => {
    /**
     * The number of the newest run of the job that sent an event; a worker that lost the job may still send events of an
     * earlier run.
     */
    let newestRun = 0;
    const receive = ({ run, event }: SentProgress) => {
      if (run < newestRun) return;
      newestRun = run;
      if (event.type !== 'samples') return emit(receiveEvent(event));
      receiveResult(event.made).then(made => finish(made, event.indices), onError);
    };
    let wake: () => void = () => {};
    followers.set(id, { receive, wake: () => wake() });
    const timedOut = new AbortController();
    const stopListening = isAwaited ? outage.listen(fault => timedOut.abort(fault)) : () => {};
    const stop = AbortSignal.any([signal, timedOut.signal]);
    const stopped = rejection(stop);

    const look = async (): Promise<Ending | undefined> => {
      try {
        const state = await queue.getJobState(id);
        if (state === 'unknown' && !stop.aborted) {
          newestRun = 0;
          await queue.add('job', sendRequest(request), {
            jobId: id,
            removeOnComplete: { age: keepSeconds },
            removeOnFail: { age: keepSeconds },
            ...priorityOf(request.priority),
          });
        }
        if (state !== 'completed' && state !== 'failed') return undefined;
        const job = await queue.getJob(id);
        if (!job) return undefined; // it was removed again meanwhile
        return state === 'completed' ? { result: job.returnvalue } : { reason: job.failedReason };
      } catch (error) {
        onError(error); // such as a full disk of Redis: the job waits until the operator has fixed it
        outage.begin();
        return undefined;
      }
    };
    let looking: Promise<Ending | undefined> = Promise.resolve(undefined);
    try {
      for (;;) {
        const changed = new Promise<void>(resolve => {
          wake = resolve;
        });
        looking = look();
        const ending = await Promise.race([stopped, looking]);
        if (ending && 'reason' in ending) throw toFailure(ending.reason);
        if (ending) return await receiveResult(ending.result);
        await Promise.race([stopped, changed, later(lookMs)]);
      }
    } catch (error) {
      if (stop.aborted && !isPutOff(isAwaited, stop.reason)) {
        const givingUp = looking.then(() => giveUp(id)); // not before it was added to the queue; Redis may be unreachable
        givenUp.add(givingUp);
        void givingUp.then(() => givenUp.delete(givingUp));
      }
      throw error;
    } finally {
      followers.delete(id);
      stopListening();
    }
  };

  async function giveUp(id: string): Promise<void> {
    await publisher.publish(cancelChannel, id).catch(() => {});
    await queue.remove(id).catch(() => {}); // a worker holds it and was notified above
  }

  return {
    execute,
    outage,
    observer: {
      started: () => {},
      step: () => {},
      ended: ({ id }) => void queue.remove(id).catch(() => {}),
    },
    async close() {
      stopWatching();
      if (!outage.isAway) {
        await endsWithin(closeMs, Promise.all(givenUp));
        await endsWithin(closeMs, Promise.allSettled([publisher.quit(), queue.close(), events.close()]));
      }
      publisher.disconnect();
      await endsWithin(disconnectMs, Promise.allSettled([queue.disconnect(), events.disconnect()]));
    },
  };
}

/** Whether the job stays in the queue because the next process continues it. */
function isPutOff(isAwaited: boolean, reason: unknown): boolean {
  return DuetError.isInstance(reason) && reason.code === 'shutting-down' && !isAwaited;
}

/** Rejects when `signal` aborts. */
function rejection(signal: AbortSignal): Promise<never> {
  const rejected = new Promise<never>((_, reject) => {
    const abort = () => reject(signal.reason);
    if (signal.aborted) abort();
    else signal.addEventListener('abort', abort, { once: true });
  });
  rejected.catch(() => {}); // it may reject when no caller awaits it any more
  return rejected;
}

/** BullMQ takes the smallest positive number first. */
function priorityOf(priority = 0): { priority: number } {
  const middle = 100;
  return { priority: middle - priority };
}

function toFailure(reason: string | undefined): unknown {
  try {
    const { code, message } = JSON.parse(reason ?? '') as JobError;
    if (isErrorCode(code)) return new DuetError(code, message);
    if (code === 'generation-failed') return new Error(message);
  } catch {
    // BullMQ's own words, such as "job stalled more than allowable limit".
  }
  return new DuetError('worker-died', `The workers failed at the job: ${reason}`);
}
