/** A worker: it takes as many jobs from the queue as run well together, and publishes the events of each. */
import type { Job } from 'bullmq';
import type { LoadedModel, ServedModel } from '../../types.ts';
import { toJobError } from '../records.ts';
import {
  cancelChannel,
  connectionOptions,
  connectionTo,
  defaultLockMs,
  disconnectMs,
  endsWithin,
  loadRedisPackages,
  queueOf,
  type RedisTiming,
  reportSeldom,
} from './connect.ts';
import { type JobRun, runJob } from './job-run.ts';
import type { SentRequest, SentResult } from './wire.ts';

export interface RedisWorkerOptions extends RedisTiming {
  readonly url: string;
  readonly model: LoadedModel & { readonly model: ServedModel };
  /** Jobs that run together. */
  readonly concurrency: number;
  readonly log: { error(details: object, message: string): void };
}

export interface RedisWorker {
  /** Takes no more jobs and waits up to `milliseconds` for those that run; others go back to the queue. */
  close(milliseconds: number): Promise<void>;
}

/**
 * A job that was running on this many workers when they ended unexpectedly is not tried again, as it may be the cause.
 * The loss of Redis for longer than the lock lasts counts too, so the number is high.
 */
const mostDeaths = 4;
/** Milliseconds for returning jobs to a Redis that may be unreachable; after that their locks expire. */
const giveBackMs = 3000;

export async function startRedisWorker(options: RedisWorkerOptions): Promise<RedisWorker> {
  const { url, model, concurrency, log, lockMs = defaultLockMs } = options;
  const { bullmq, Redis } = await loadRedisPackages();
  const running = new Map<string, JobRun>();
  const onError = reportSeldom(error => log.error({ err: error }, 'trouble with Redis'));
  let isGivingBack = false;

  const cancels = new Redis(url, connectionOptions);
  cancels.on('error', onError);
  cancels.on('message', (_channel: string, id: string) => running.get(id)?.cut('cancelled'));
  await cancels.subscribe(cancelChannel);

  const process = async (job: Job<SentRequest, SentResult>, token = ''): Promise<SentResult> => {
    const id = job.id ?? '';
    running.get(id)?.cut('taken'); // this worker lost the job with the connection, and received it again
    const run = runJob(job, { model, token, lockMs, onError });
    running.set(id, run);
    if (isGivingBack) run.cut('given-back');
    try {
      return await run.result;
    } catch (error) {
      if (run.cutOff === 'given-back') await job.moveToWait(token).catch(onError);
      // BullMQ leaves the job where it is.
      if (run.cutOff === 'given-back' || run.cutOff === 'taken') throw new bullmq.WaitingError();
      const failure = toJobError(error);
      if (failure.code === 'generation-failed' && run.cutOff === undefined) {
        log.error({ err: error, job: id }, 'a job failed');
      }
      throw new bullmq.UnrecoverableError(JSON.stringify(failure));
    } finally {
      if (running.get(id) === run) running.delete(id);
    }
  };

  const worker = new bullmq.Worker<SentRequest, SentResult>(queueOf(model.info.id), process, {
    connection: connectionTo(url),
    concurrency,
    lockDuration: lockMs,
    skipLockRenewal: true, // see JobRun
    stalledInterval: lockMs,
    maxStalledCount: mostDeaths,
    runRetryDelay: 1000,
  });
  worker.on('error', onError);
  await worker.waitUntilReady();
  return {
    async close(milliseconds) {
      const closed = worker.close();
      if (!(await endsWithin(milliseconds, closed))) {
        isGivingBack = true;
        for (const run of running.values()) run.cut('given-back');
        if (!(await endsWithin(giveBackMs, closed))) await endsWithin(disconnectMs, worker.disconnect());
      }
      cancels.disconnect();
    },
  };
}
