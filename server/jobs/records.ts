/** A job's record through its life, as pure functions: made, shown, ended, given back. */
import { DuetError } from '../../src/core/errors.ts';
import type { NewJobEvent } from './event-log.ts';
import { type JobFiles, separateFiles } from './given-files.ts';
import type { IdempotencyMark } from './idempotency.ts';
import { createJobId } from './job-id.ts';
import type { JobRecord } from './store.ts';
import type { JobError, JobEvent, JobProgress, JobRequest, JobView } from './types.ts';

/** Each process numbers its events from far after those of the process before, whose last id was not recorded. */
const eventsPerProcess = 1_000_000;

export interface NewRecord {
  readonly owner: string;
  readonly isAwaited: boolean;
  readonly idempotency?: IdempotencyMark | undefined;
}

/** The record of a checked request that was just admitted, and its pictures beside it. */
export function newRecord(
  request: JobRequest,
  { idempotency, ...rest }: NewRecord,
  now: number,
): { record: JobRecord; files: JobFiles } {
  const { shown, files } = separateFiles(request);
  const record: JobRecord = {
    format: 'duet-job-1',
    id: createJobId(now),
    mode: request.mode,
    status: 'queued',
    created: now,
    request: shown,
    inputs: Object.keys(files),
    attempts: 0,
    lastEventId: 0,
    bytes: Object.values(files).reduce((sum, { length }) => sum + length, 0),
    ...(idempotency && { idempotency }),
    ...rest,
  };
  return { record, files };
}

export function viewOf(record: JobRecord, position: number | null, progress: JobProgress | null): JobView {
  const { id, owner, mode, status, created, started, ended, request, inputs, result, error, written } = record;
  return {
    id,
    owner,
    mode,
    status,
    created,
    position,
    progress,
    request,
    inputs,
    ...(started !== undefined && { started }),
    ...(ended !== undefined && { ended }),
    ...(result && { result }),
    ...(error && { error }),
    ...(written && { written }),
  };
}

/** The last events of a job: the caption if it succeeded and made just one, and how it ended. */
export function lastEventsOf(record: JobRecord): readonly NewJobEvent[] {
  if (record.status !== 'succeeded') return [endOf(record)];
  const [only, ...others] = record.result?.samples ?? [];
  const hasCaption = only?.caption !== undefined && others.length === 0;
  return [...(hasCaption ? [{ type: 'text', delta: only.caption, at: 0 } as const] : []), endOf(record)];
}

/** The last event of all, with its id. */
export function storedLastEvent(record: JobRecord): JobEvent {
  return { ...endOf(record), id: record.lastEventId } as JobEvent;
}

function endOf({ status, result, error, written }: JobRecord): NewJobEvent {
  if (status === 'succeeded' && result) return { type: 'completed', result };
  const sofar = written && { written };
  if (status === 'cancelled') return { type: 'cancelled', ...(result && { result }), ...sofar };
  return { type: 'failed', error: error ?? { code: 'generation-failed', message: 'The job failed' }, ...sofar };
}

/** Queued again, as before it was started. */
export function queuedAgain({ started: _, ...record }: JobRecord): JobRecord {
  return { ...record, status: 'queued' };
}

/** Queued again, in another process than the one that sent its earlier events. */
export function takenUp(record: JobRecord): JobRecord {
  return { ...queuedAgain(record), lastEventId: record.lastEventId + eventsPerProcess };
}

/** The end of a job whose process ended before it. */
export function interrupted(record: JobRecord, now: number): JobRecord {
  const error = { code: 'server-restarted', message: 'The server stopped before the job was done; send it again' };
  return { ...record, status: 'failed', ended: now, error, lastEventId: record.lastEventId + eventsPerProcess };
}

/** The error that clients receive; for internal faults it only refers to the log. */
export function toJobError(failure: unknown): JobError {
  if (DuetError.isInstance(failure)) return { code: failure.code, message: failure.message };
  return { code: 'generation-failed', message: "The server failed at this job; its log says why under the job's id" };
}
