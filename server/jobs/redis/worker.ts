/** A worker: takes from the queue as many jobs as run well together, and tells of each what happens to it. */
import type { LoadedModel, ServedModel } from '../../types.ts';
import type { NewJobEvent } from '../event-log.ts';
import { performJob } from '../perform.ts';
import { toJobError } from '../records.ts';
import { cancelChannel, connectionTo, defaultLockMs, loadRedisPackages, queueOf, type RedisTiming } from './connect.ts';
import { receiveRequest, type SentRequest, type SentResult, sendEvent, sendResult } from './wire.ts';

export interface RedisWorkerOptions extends RedisTiming {
  readonly url: string;
  readonly model: LoadedModel & { readonly model: ServedModel };
  /** Jobs that run together. */
  readonly concurrency: number;
  readonly log: { error(details: object, message: string): void };
}

export interface RedisWorker {
  /** Takes no more jobs and waits up to `milliseconds` for those that run; others go to another worker. */
  close(milliseconds: number): Promise<void>;
}

/** A job that was running on this many workers when they died is not tried again: it may be what kills them. */
const mostDeaths = 2;

export async function startRedisWorker(options: RedisWorkerOptions): Promise<RedisWorker> {
  const { url, model, concurrency, log, lockMs = defaultLockMs } = options;
  const { bullmq, Redis } = await loadRedisPackages();
  const running = new Map<string, AbortController>();
  const abort = (id: string, reason: string) => running.get(id)?.abort(new Error(reason));
  const onError = (error: unknown) => log.error({ err: error }, 'trouble with Redis');

  const cancels = new Redis(url, { maxRetriesPerRequest: null });
  cancels.on('error', onError);
  cancels.on('message', (_channel: string, id: string) => abort(id, 'cancelled'));
  await cancels.subscribe(cancelChannel);

  const worker = new bullmq.Worker<SentRequest, SentResult>(
    queueOf(model.info.id),
    async job => {
      const id = job.id ?? '';
      const controller = new AbortController();
      running.set(id, controller);
      let told: Promise<unknown> = Promise.resolve();
      const emit = (event: NewJobEvent) => {
        told = told.then(() => job.updateProgress(sendEvent(event))).catch(onError);
      };
      try {
        const { signal } = controller;
        const made = await performJob(model.model, receiveRequest(job.data), { signal, emit, now: Date.now });
        await told;
        return await sendResult(made);
      } catch (error) {
        const failure = toJobError(error);
        if (failure.code === 'generation-failed' && !controller.signal.aborted) {
          log.error({ err: error, job: id }, 'a job failed');
        }
        throw new bullmq.UnrecoverableError(JSON.stringify(failure));
      } finally {
        running.delete(id);
      }
    },
    {
      connection: connectionTo(url),
      concurrency,
      lockDuration: lockMs,
      stalledInterval: lockMs,
      maxStalledCount: mostDeaths,
    },
  );
  worker.on('error', onError);
  // Another worker has them now.
  worker.on('lockRenewalFailed', (ids: string[]) => {
    for (const id of ids) abort(id, 'the job went to another worker');
  });
  await worker.waitUntilReady();
  return {
    async close(milliseconds) {
      const timer = setTimeout(() => void worker.close(true), milliseconds);
      await worker.close();
      clearTimeout(timer);
      cancels.disconnect();
    },
  };
}
