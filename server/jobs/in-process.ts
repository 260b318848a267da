/**
 * Jobs of this process: admitted up to a limit, run on queues (one per model), followed by events, kept in a store.
 * What is accepted is in the store first, so that none of it is lost with the process.
 */
import { DuetError } from '../../src/core/errors.ts';
import type { ReadinessCheck } from '../readiness.ts';
import { type ActiveJob, activeJob } from './active-job.ts';
import { findModel, requireRoom } from './admission.ts';
import { type IdempotencyMark, idempotencyMark } from './idempotency.ts';
import type { InProcessJobsOptions } from './in-process-options.ts';
import { JobEndings } from './job-endings.ts';
import { runJob } from './job-execution.ts';
import { timeOfJobId } from './job-id.ts';
import { JobKeeper } from './job-keeper.ts';
import { JobTable } from './job-table.ts';
import { ModelQueue } from './model-queue.ts';
import { type JobObserver, tellAll } from './observers.ts';
import type { Outage } from './outage.ts';
import { interrupted, newRecord, storedLastEvent, takenUp, viewOf } from './records.ts';
import { checkRequest } from './requests.ts';
import { expiredJobs } from './retention.ts';
import { SampleChanges } from './sample-changes.ts';
import type { JobRecord } from './store.ts';
import type { JobEvent, JobRequest, JobResult, JobService, JobView, RunOptions, SubmitOptions } from './types.ts';

/** A job that was running this often when the process ended unexpectedly is not tried again, as it may be the cause. */
const mostAttempts = 3;

export class InProcessJobs implements JobService {
  readonly #options: InProcessJobsOptions;
  readonly #now: () => number;
  readonly #observer: JobObserver;
  readonly #queues = new Map<string, ModelQueue>();
  readonly #table = new JobTable();
  readonly #keeper: JobKeeper;
  readonly #endings: JobEndings;
  readonly #changes: SampleChanges;
  /** Ids of jobs that are being removed. */
  readonly #removing = new Set<string>();
  /** Durations of the latest jobs in milliseconds. */
  #duration = 1000;
  #isDraining = false;

  private constructor(options: InProcessJobsOptions) {
    this.#options = options;
    this.#now = options.now ?? Date.now;
    this.#keeper = new JobKeeper(options);
    this.#observer = tellAll(...options.observers);
    const ended = (record: JobRecord) => this.#afterEnd(record);
    this.#endings = new JobEndings({ table: this.#table, keeper: this.#keeper, now: this.#now, ended });
    this.#changes = new SampleChanges({ table: this.#table, keeper: this.#keeper, removing: this.#removing });
    const { maxRunning, maxQueue } = options.limits;
    for (const { info } of options.models) {
      const moved = (id: string, position: number) =>
        this.#table.active(id)?.events.append({ type: 'queued', position });
      this.#queues.set(info.id, new ModelQueue({ maxRunning, maxWaiting: maxQueue }, moved));
    }
  }

  /** Reads the store: the history, and jobs that a former process left unfinished. A store that is full is no hindrance. */
  static async open(options: InProcessJobsOptions): Promise<InProcessJobs> {
    const jobs = new InProcessJobs(options);
    const { store } = jobs.#keeper;
    const records = await store.load();
    await store.probe();
    if (store.fault) options.log.error({ err: store.fault }, 'no result can be kept for now');
    for (const record of records) await jobs.#restore(record);
    await jobs.forgetExpired();
    return jobs;
  }

  get queued(): number {
    return this.#sum(queue => queue.waiting);
  }

  get running(): number {
    return this.#sum(queue => queue.running);
  }

  /** Whether the queue has room for another job. */
  get hasRoom(): boolean {
    return [...this.#queues.values()].some(queue => queue.hasRoom);
  }

  /** Why a job would be rejected, for /health/ready. */
  get checks(): readonly ReadinessCheck[] {
    return [
      { status: 'stopping', objection: () => (this.#isDraining ? 'The server is stopping' : undefined) },
      ...(this.outage ? [this.outage.check] : []),
      { status: 'no-storage', objection: () => this.#keeper.store.fault?.message },
      {
        status: 'full',
        objection: () => (this.hasRoom ? undefined : `${this.queued} jobs are waiting, and no more may`),
      },
    ];
  }

  get outage(): Outage | undefined {
    return this.#options.outage;
  }

  async submit(request: JobRequest, { owner, idempotencyKey, isAwaited = false }: SubmitOptions): Promise<JobView> {
    const idempotency = idempotencyKey === undefined ? undefined : idempotencyMark(idempotencyKey, request);
    const known = idempotency && this.#table.idOf(owner, idempotency);
    if (known !== undefined) await this.#table.active(known)?.admission; // it may still be rejected
    const knownView = known === undefined ? undefined : this.view(known);
    if (knownView) return knownView;
    const { record } = await this.#admit(request, { owner, isAwaited, idempotency });
    return this.view(record.id) ?? viewOf(record, null, null);
  }

  view(id: string): JobView | undefined {
    return this.#table.view(id);
  }

  list(options: { owner: string; limit: number; before?: string }): readonly JobView[] {
    return this.#table.list(options);
  }

  cancel(id: string): 'cancelled' | 'over' | 'unknown' | 'expired' {
    const job = this.#table.active(id);
    if (job && !job.isOver) {
      this.#endings.cancel(job, new DuetError('cancelled', 'The job was cancelled'));
      return 'cancelled';
    }
    if (this.view(id)) return 'over';
    const age = this.#now() - (timeOfJobId(id) ?? Number.POSITIVE_INFINITY);
    return age > this.#options.limits.maxAgeMs ? 'expired' : 'unknown';
  }

  async remove(id: string): Promise<boolean> {
    const job = this.#table.active(id);
    if (job) {
      this.cancel(id);
      await job.outcome;
    }
    if (!this.#table.ended(id) || this.#removing.has(id)) return false;
    this.#removing.add(id);
    try {
      await this.#keeper.remove(id);
    } finally {
      this.#removing.delete(id);
    }
    this.#table.forget(id);
    return true;
  }

  markSample(id: string, index: number, isFavourite: boolean): Promise<void> {
    return this.#changes.mark(id, index, isFavourite);
  }

  removePicture(id: string, index: number): Promise<void> {
    return this.#changes.removePicture(id, index);
  }

  async *events(
    id: string,
    { after = 0, signal }: { after?: number; signal?: AbortSignal } = {},
  ): AsyncGenerator<JobEvent, void> {
    const job = this.#table.active(id);
    if (job) return yield* job.events.read(after, signal);
    const record = this.#table.ended(id);
    if (record && record.lastEventId > after) yield storedLastEvent(record);
  }

  async run(request: JobRequest, { owner, signal, onEvent, needsFiles = false }: RunOptions): Promise<JobResult> {
    signal.throwIfAborted();
    if (this.outage?.fault) throw this.outage.fault;
    let job: ActiveJob | undefined;
    const cancel = () => job && this.#endings.cancel(job, signal.reason);
    signal.addEventListener('abort', cancel, { once: true });
    let stopListening = () => {};
    try {
      job = await this.#admit(request, { owner, isAwaited: true }, { onEvent, needsFiles });
      if (signal.aborted) cancel();
      stopListening = this.outage?.listen(fault => this.#endings.fail(job!, fault)) ?? stopListening;
      const outcome = await job.outcome;
      if ('failure' in outcome) throw outcome.failure;
      return outcome.result;
    } finally {
      signal.removeEventListener('abort', cancel);
      stopListening();
    }
  }

  async file(id: string, name: string): Promise<Uint8Array | undefined> {
    const job = this.#table.active(id);
    if (job?.isOver) await job.outcome; // a cancelled one may still be storing what it lists
    return this.view(id) && this.#keeper.store.readFile(id, name);
  }

  /**
   * Takes no more jobs, waits up to `milliseconds` for the running ones, then stops them. Jobs whose client does not wait
   * on an open connection are continued by the next process, if so configured; the others are cancelled.
   */
  async drain(milliseconds: number): Promise<void> {
    this.#isDraining = true;
    for (const queue of this.#queues.values()) queue.pause();
    this.#putOff('queued');
    const quiet = Promise.all([...this.#queues.values()].map(queue => queue.whenQuiet()));
    let timer: NodeJS.Timeout | undefined;
    const deadline = new Promise(resolve => {
      timer = setTimeout(resolve, milliseconds);
    });
    await Promise.race([quiet, deadline]);
    clearTimeout(timer);
    this.#putOff('running');
    await quiet;
    await Promise.all(this.#table.ending.map(({ outcome }) => outcome));
    await this.#keeper.settled();
  }

  /** Gives the store back; after `drain`. */
  close(): Promise<void> {
    return this.#keeper.store.close();
  }

  async #admit(
    request: JobRequest,
    options: { owner: string; isAwaited: boolean; idempotency?: IdempotencyMark | undefined },
    { onEvent, needsFiles = true }: { onEvent?: RunOptions['onEvent'] | undefined; needsFiles?: boolean } = {},
  ): Promise<ActiveJob> {
    if (this.#isDraining) throw new DuetError('shutting-down', 'The server is stopping and takes no more jobs');
    const { limits, models } = this.#options;
    const model = findModel(models, request.model);
    const queue = this.#queues.get(model.info.id)!;
    const checked = checkRequest(request, model.info);
    const active = this.#table.countOf(options.owner);
    requireRoom(queue, { active, keyConcurrency: limits.keyConcurrency, duration: this.#duration });
    const { record, files } = newRecord(checked, options, this.#now());
    const job = activeJob(record, model, queue, { onEvent, files: needsFiles ? undefined : files });
    this.#table.enter(job);
    job.admission = this.#keeper.keepNew(job, files);
    try {
      await job.admission;
    } catch (error) {
      this.#table.reject(job);
      throw error;
    }
    job.sendEvents();
    this.#start(job);
    return job;
  }

  #start(job: ActiveJob): void {
    job.queue.start(job.record.id, job.record.request.priority ?? 0, () => this.#run(job));
  }

  async #run(job: ActiveJob): Promise<void> {
    const took = await runJob(job, {
      ...this.#options,
      keeper: this.#keeper,
      endings: this.#endings,
      observer: this.#observer,
      now: this.#now,
    });
    if (took !== undefined) this.#duration = 0.8 * this.#duration + 0.2 * took;
  }

  #afterEnd(record: JobRecord): void {
    this.#observer.ended(record);
    this.forgetExpired().catch(error => this.#options.log.error({ err: error }, 'old jobs were not removed'));
  }

  /** Leaves jobs that may be continued to the next process, and cancels the others. */
  #putOff(status: 'queued' | 'running'): void {
    const reason = new DuetError('shutting-down', 'The server stopped before the job was done');
    for (const job of this.#table.unfinished(status)) {
      if (job.record.isAwaited || this.#options.unfinished === 'fail') this.#endings.fail(job, reason);
      else this.#endings.putOff(job, reason);
    }
  }

  async #restore(record: JobRecord): Promise<void> {
    if (record.ended !== undefined) return this.#table.addEnded(record);
    const model = this.#options.models.find(({ info }) => info.id === record.request.model);
    const queue = model && this.#queues.get(model.info.id);
    /** Jobs that other processes run cannot end this one, so their attempts are not limited here. */
    const isTriedAgain = this.#options.execute !== undefined || record.attempts < mostAttempts;
    if (queue && this.#options.unfinished === 'requeue' && !record.isAwaited && isTriedAgain) {
      const again = takenUp(record);
      await this.#keeper.keepLogged(again);
      const job = activeJob(again, model, queue);
      job.sendEvents();
      this.#table.enter(job);
      void this.#keeper.store.whenUsable().then(() => this.#start(job)); // on a full disk it would only fail
      return;
    }
    const ended = interrupted(record, this.#now());
    this.#table.addEnded(ended);
    await this.#keeper.keepLogged(ended);
  }

  /** Removes jobs beyond the limits of age, number and size; it is also called whenever a job ends. */
  async forgetExpired(): Promise<void> {
    for (const id of expiredJobs(this.#table.allEnded, this.#options.limits, this.#now())) await this.remove(id);
  }

  #sum(count: (queue: ModelQueue) => number): number {
    return [...this.#queues.values()].reduce((sum, queue) => sum + count(queue), 0);
  }
}
