/** One run of a job on a worker: keeps its lock, tells of its progress, and can be cut off. */
import type { Job } from 'bullmq';
import type { LoadedModel, ServedModel } from '../../types.ts';
import { performJob } from '../perform.ts';
import { receiveRequest, type SentRequest, type SentResult, sendEvent, sendResult } from './wire.ts';

/** Why a run was cut off: the job was cancelled, another run has it now, or this worker stops and gives it back. */
export type CutOff = 'cancelled' | 'taken' | 'given-back';

export interface JobRun {
  readonly result: Promise<SentResult>;
  /** Why it was cut off, if it was. */
  readonly cutOff: CutOff | undefined;
  /** The first reason counts. */
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
    const made = await performJob(model.model, receiveRequest(job.data), {
      signal,
      now: Date.now,
      emit(event) {
        const sent = { run: job.attemptsStarted, event: sendEvent(event) };
        told = told.then(() => (signal.aborted ? undefined : job.updateProgress(sent))).catch(onError);
      },
    });
    await told;
    return sendResult(made);
  };
  /** The model may take a while to notice. */
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
 * Of this run alone: BullMQ's own renewal knows jobs by their ids, and confuses a run with a later one of the same job on
 * the same worker. While Redis is away one request waits for it.
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
