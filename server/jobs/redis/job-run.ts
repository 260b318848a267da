/** One run of a job on a worker: it renews its lock, publishes its progress, and can be aborted. */
import type { Job } from 'bullmq';
import type { LoadedModel, ServedModel } from '../../types.ts';
import { executeJob } from '../execute.ts';
import { receiveRequest, type SentProgress, type SentRequest, type SentResult, sendEvent, sendResult } from './wire.ts';

/**
 * Why a run was aborted: the job was cancelled, another run has taken it over, or this worker stops and returns it to the
 * queue.
 */
export type CutOff = 'cancelled' | 'taken' | 'given-back';

export interface JobRun {
  readonly result: Promise<SentResult>;
  /** Why it was aborted, if it was. */
  readonly cutOff: CutOff | undefined;
  /** Aborts the run; only the first reason counts. */
  cut(why: CutOff): void;
}

export interface JobRunOptions {
  readonly model: LoadedModel & { readonly model: ServedModel };
  readonly token: string;
  readonly lockMs: number;
  readonly onError: (error: unknown) => void;
}

export function runJob(job: Job<SentRequest, SentResult>, options: JobRunOptions): JobRun {
  const { model, token, lockMs, onError } = options;
  const controller = new AbortController();
  const { signal } = controller;
  let cutOff: CutOff | undefined;
  const cut = (why: CutOff) => {
    cutOff ??= why;
    controller.abort(new Error(`the run was cut off: the job is ${cutOff}`));
  };

  const work = async () => {
    let told: Promise<unknown> = Promise.resolve();
    /** Events are sent in order. Errors are reported: of what is lost, the result holds all that counts. */
    const send = (encode: () => SentProgress['event'] | Promise<SentProgress['event']>) => {
      const send = async () => {
        const sent: SentProgress = { run: job.attemptsStarted, event: await encode() };
        if (!signal.aborted) await job.updateProgress(sent);
      };
      told = told.then(send).catch(onError);
    };
    const made = await executeJob(model.model, receiveRequest(job.data), {
      signal,
      now: Date.now,
      emit: event => send(() => sendEvent(event)),
      finish(some, indices) {
        if (indices) send(async () => ({ type: 'samples', indices, made: await sendResult(some) }));
      },
    });
    await told;
    return sendResult(made);
  };
  /** Rejects at the abort, as the model may take a while to notice it. */
  const stopped = new Promise<never>((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
  const stopRenewal = renewLock(job, token, lockMs, () => cut('taken'), onError);
  return {
    result: Promise.race([stopped, work()]).finally(stopRenewal),
    get cutOff() {
      return cutOff;
    },
    cut,
  };
}

/**
 * Renews the lock of this run alone: BullMQ's own renewal identifies jobs by their ids, and confuses a run with a later
 * one of the same job on the same worker. While Redis is unreachable, one request waits for it.
 */
function renewLock(
  job: Job,
  token: string,
  lockMs: number,
  lost: () => void,
  onError: (error: unknown) => void,
): () => void {
  let isAsking = false;
  const renew = async () => {
    if (isAsking) return;
    isAsking = true;
    try {
      const isHeld = await job.extendLock(token, lockMs);
      if (!isHeld) lost();
    } catch (error) {
      onError(error);
    }
    isAsking = false;
  };
  const timer = setInterval(() => void renew(), lockMs / 3);
  return () => clearInterval(timer);
}
