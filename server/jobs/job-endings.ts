/** The ways in which a job ends: it succeeds, fails, is cancelled, or is left to the next process. Each job ends once. */
import type { DuetError } from '../../src/core/errors.ts';
import type { ActiveJob, Outcome } from './active-job.ts';
import type { StoredResult } from './finished-samples.ts';
import type { JobKeeper } from './job-keeper.ts';
import type { JobTable } from './job-table.ts';
import { lastEventsOf, queuedAgain, toJobError } from './records.ts';
import type { JobRecord } from './store.ts';
import type { JobResult } from './types.ts';

export interface EndingOptions {
  readonly table: JobTable;
  readonly keeper: JobKeeper;
  readonly now: () => number;
  /** Called with the record of each job that has ended. */
  readonly ended: (record: JobRecord) => void;
}

export class JobEndings {
  readonly #options: EndingOptions;

  constructor(options: EndingOptions) {
    this.#options = options;
  }

  /** Ends a job that has made all its samples, unless it is over. */
  async succeed(job: ActiveJob, made: StoredResult): Promise<void> {
    if (!job.isOver) await this.#endWith(job, 'succeeded', made, { result: made.result });
  }

  /** Ends a job that is queued or running, unless it is over. */
  fail(job: ActiveJob, reason: unknown): void {
    if (job.isOver) return;
    const { keeper, now } = this.#options;
    job.isOver = true;
    const lastEventId = job.events.lastId + 1;
    const written = writtenOf(job);
    job.record = { ...job.record, status: 'failed', error: toJobError(reason), ended: now(), lastEventId, ...written };
    void keeper.keepLast(job, job.record);
    void keeper.dropFinished(job);
    this.#settle(job, { failure: reason });
    this.#stop(job, reason);
  }

  /** Ends a job that is queued or running, unless it is over. The samples that it has finished are kept. */
  cancel(job: ActiveJob, reason: unknown): void {
    if (job.isOver) return;
    const { keeper, now } = this.#options;
    const present = job.isKept ? job.finished?.present : undefined;
    job.isOver = true;
    const result = present && { result: present };
    job.record = { ...job.record, status: 'cancelled', ended: now(), ...result, ...writtenOf(job) };
    if (present) void this.#cancelWith(job, reason);
    else {
      job.record = { ...job.record, lastEventId: job.events.lastId + 1 };
      void keeper.keepLast(job, job.record);
      this.#settle(job, { failure: reason });
    }
    this.#stop(job, reason);
  }

  /** Leaves a job to the next process. */
  putOff(job: ActiveJob, reason: DuetError): void {
    job.isOver = true;
    job.record = { ...queuedAgain(job.record), attempts: Math.max(0, job.record.attempts - 1) };
    void this.#options.keeper.keepLast(job, job.record);
    this.#stop(job, reason);
    job.events.close();
    job.settle({ failure: reason });
  }

  async #cancelWith(job: ActiveJob, reason: unknown): Promise<void> {
    const made = await this.#options.keeper.keepFinished(job);
    await this.#endWith(job, 'cancelled', made, { failure: reason });
  }

  /**
   * The end is stored before clients are notified of it: a job that a client saw completed never runs again, and no
   * caption is sent twice.
   */
  async #endWith(
    job: ActiveJob,
    status: 'succeeded' | 'cancelled',
    made: StoredResult | undefined,
    outcome: Outcome,
  ): Promise<void> {
    const { keeper, now } = this.#options;
    const { result: _present, ...record } = job.record;
    job.isOver = true;
    const ended: JobRecord = {
      ...record,
      status,
      ended: record.ended ?? now(),
      bytes: record.bytes + (made?.bytes ?? 0),
      ...(made && { result: withoutBytes(made.result) }),
    };
    const last = { ...ended, lastEventId: job.events.lastId + lastEventsOf(ended).length };
    await keeper.keepLast(job, last);
    job.record = last;
    this.#settle(job, outcome);
  }

  #stop(job: ActiveJob, reason: unknown): void {
    job.queue.leave(job.record.id);
    job.controller.abort(reason);
  }

  #settle(job: ActiveJob, outcome: Outcome): void {
    const { table, ended } = this.#options;
    table.end(job);
    for (const event of lastEventsOf(job.record)) job.events.append(event);
    ended(job.record);
    job.settle(outcome);
  }
}

function writtenOf({ told: { written } }: ActiveJob): Pick<JobRecord, 'written'> {
  return written ? { written } : {};
}

function withoutBytes(result: JobResult): JobResult {
  return { ...result, samples: result.samples.map(({ png: _, ...sample }) => sample) };
}
