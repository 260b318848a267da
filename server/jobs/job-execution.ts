/** One run of a job, from its start to the end that it comes to. */
import { DuetError } from '../../src/core/errors.ts';
import type { CallResult } from '../../src/pipelines/index.ts';
import type { ActiveJob } from './active-job.ts';
import type { EventLog } from './event-log.ts';
import { type Execute, executeHere } from './execute.ts';
import type { InProcessJobsOptions } from './in-process-options.ts';
import type { JobEndings } from './job-endings.ts';
import type { JobKeeper } from './job-keeper.ts';
import type { JobObserver } from './observers.ts';
import { eventsOfAnswer } from './told-answer.ts';
import type { JobSample } from './types.ts';

export interface ExecutionOptions extends Pick<InProcessJobsOptions, 'log'> {
  readonly execute?: Execute | undefined;
  readonly keeper: JobKeeper;
  readonly endings: JobEndings;
  readonly observer: JobObserver;
  readonly now: () => number;
}

/** Runs a job. Never rejects. Gives the milliseconds that it took, or undefined if it did not succeed. */
export async function runJob(job: ActiveJob, options: ExecutionOptions): Promise<number | undefined> {
  const { execute = executeHere, log, keeper, endings, observer, now } = options;
  const { signal } = job.controller;
  const started = now();
  const finished = keeper.samplesOf(job);
  job.finished = finished;
  job.record = { ...job.record, status: 'running', started, attempts: job.record.attempts + 1 };
  job.events.append({ type: 'started' });
  observer.started(job.record);
  try {
    await keeper.keepState(job);
    const request = await keeper.requestOf(job);
    signal.throwIfAborted();
    const emit = emitter(job, options, started);
    const finish = (made: CallResult, indices?: readonly number[]) => {
      if (job.isOver) return;
      const stored = finished.add(indices ?? [...made.samples.keys()], made);
      if (indices) void tellStored(job, stored);
    };
    const made = await execute(job.record, job.model, request, { signal, emit, finish, now });
    finish(made);
    const { answer, samples } = made;
    // What was lost on the way.
    if (answer) for (const event of eventsOfAnswer(answer, index => samples[index]!.seed)) emit(event);
    signal.throwIfAborted();
    await endings.succeed(job, await keeper.keepResult(job, finished));
    return job.record.status === 'succeeded' ? now() - started : undefined;
  } catch (error) {
    if (job.isOver) return undefined;
    const isTold = DuetError.isInstance(error) && error.code !== 'storage-full';
    if (!isTold) log.error({ err: error, job: job.record.id }, 'a job failed');
    endings.fail(job, error);
    return undefined;
  } finally {
    await finished.settled();
  }
}

function emitter(job: ActiveJob, { observer, now }: ExecutionOptions, started: number): EventLog['append'] {
  let previous = started;
  return event => {
    if (job.isOver) return;
    if (event.type === 'text' || event.type === 'image-started') {
      const fresh = job.told.next(event);
      if (fresh) job.events.append(fresh);
      return;
    }
    if (event.type === 'progress') {
      const { type: _, ...progress } = event;
      job.progress = progress;
      observer.step(job.record, now() - previous);
      previous = now();
    }
    job.events.append(event);
  };
}

/** Clients are told of samples that are finished before others, once they can fetch their files, if these are kept at all. */
async function tellStored(job: ActiveJob, stored: Promise<ReadonlyMap<number, JobSample>>): Promise<void> {
  for (const [index, { file, ...rest }] of await stored) {
    if (job.isOver) return;
    const sample = { ...rest, ...(job.isKept && file !== undefined && { file }) };
    job.events.append({ type: 'sample', index, sample });
  }
}
