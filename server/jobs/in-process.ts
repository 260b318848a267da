/**
 * Jobs of this process: admitted up to a limit, run on queues (one per model), followed by events, kept in a store.
 * What is accepted is in the store first, so that none of it is lost with the process.
 */
import { DuetError } from '../../src/core/errors.ts';
import type { ReadinessCheck } from '../readiness.ts';
import { type ActiveJob, activeJob, type Outcome } from './active-job.ts';
import { findModel, requireRoom } from './admission.ts';
import type { EventLog } from './event-log.ts';
import { executeHere } from './execute.ts';
import { IdempotencyKeys, type IdempotencyMark, idempotencyMark } from './idempotency.ts';
import type { InProcessJobsOptions } from './in-process-options.ts';
import { timeOfJobId } from './job-id.ts';
import { JobKeeper } from './job-keeper.ts';
import { ModelQueue } from './model-queue.ts';
import { type JobObserver, tellAll } from './observers.ts';
import type { Outage } from './outage.ts';
import {
  interrupted,
  lastEventsOf,
  newRecord,
  queuedAgain,
  storedLastEvent,
  takenUp,
  toJobError,
  viewOf,
} from './records.ts';
import { checkRequest } from './requests.ts';
import { expiredJobs } from './retention.ts';
import type { JobRecord } from './store.ts';
import type { JobEvent, JobRequest, JobResult, JobService, JobView, RunOptions, SubmitOptions } from './types.ts';

/** A job that was running this often when the process ended unexpectedly is not tried again, as it may be the cause. */
const mostAttempts = 3;

export class InProcessJobs implements JobService {
  readonly #options: InProcessJobsOptions;
  readonly #now: () => number;
  readonly #observer: JobObserver;
  readonly #queues = new Map<string, ModelQueue>();
  readonly #active = new Map<string, ActiveJob>();
  /** Records of the jobs that have ended, the oldest first. */
  readonly #records = new Map<string, JobRecord>();
  /** Ids of jobs that are being removed. */
  readonly #removing = new Set<string>();
  readonly #keeper: JobKeeper;
  readonly #keys = new IdempotencyKeys();
  /** Durations of the latest jobs in milliseconds. */
  #duration = 1000;
  #isDraining = false;

  private constructor(options: InProcessJobsOptions) {
    this.#options = options;
    this.#now = options.now ?? Date.now;
    this.#keeper = new JobKeeper(options);
    this.#observer = tellAll(...options.observers);
    const { maxRunning, maxQueue } = options.limits;
    for (const { info } of options.models) {
      const moved = (id: string, position: number) => this.#active.get(id)?.events.append({ type: 'queued', position });
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
    const known = idempotency && this.#keys.find(owner, idempotency);
    if (known !== undefined) await this.#active.get(known)?.admission; // it may still be rejected
    const knownView = known === undefined ? undefined : this.view(known);
    if (knownView) return knownView;
    const job = await this.#admit(request, { owner, isAwaited, idempotency });
    return this.view(job.record.id) ?? viewOf(job.record, null, null);
  }

  view(id: string): JobView | undefined {
    const job = this.#active.get(id);
    if (job) return viewOf(job.record, job.queue.position(id), job.progress);
    const record = this.#records.get(id);
    return record && viewOf(record, null, null);
  }

  list({ owner, limit, before }: { owner: string; limit: number; before?: string }): readonly JobView[] {
    const ids = [...this.#records.keys(), ...this.#active.keys()];
    return ids
      .filter(id => before === undefined || id < before)
      .filter(id => (this.#active.get(id)?.record ?? this.#records.get(id))?.owner === owner)
      .sort()
      .reverse()
      .slice(0, limit)
      .flatMap(id => this.view(id) ?? []);
  }

  cancel(id: string): 'cancelled' | 'over' | 'unknown' | 'expired' {
    const job = this.#active.get(id);
    if (job && !job.isOver) {
      this.#cancel(job, new DuetError('cancelled', 'The job was cancelled'));
      return 'cancelled';
    }
    if (job || this.#records.has(id)) return 'over';
    const age = this.#now() - (timeOfJobId(id) ?? Number.POSITIVE_INFINITY);
    return age > this.#options.limits.maxAgeMs ? 'expired' : 'unknown';
  }

  async remove(id: string): Promise<boolean> {
    const job = this.#active.get(id);
    if (job) {
      this.cancel(id);
      await job.outcome;
    }
    if (!this.#records.has(id) || this.#removing.has(id)) return false;
    this.#removing.add(id);
    try {
      await this.#keeper.remove(id);
    } finally {
      this.#removing.delete(id);
    }
    this.#records.delete(id);
    this.#keys.forget(id);
    return true;
  }

  async *events(
    id: string,
    { after = 0, signal }: { after?: number; signal?: AbortSignal } = {},
  ): AsyncGenerator<JobEvent, void> {
    const job = this.#active.get(id);
    if (job) return yield* job.events.read(after, signal);
    const record = this.#records.get(id);
    if (record && record.lastEventId > after) yield storedLastEvent(record);
  }

  async run(request: JobRequest, { owner, signal, onEvent, needsFiles = false }: RunOptions): Promise<JobResult> {
    signal.throwIfAborted();
    if (this.outage?.fault) throw this.outage.fault;
    let job: ActiveJob | undefined;
    const cancel = () => job && this.#cancel(job, signal.reason);
    signal.addEventListener('abort', cancel, { once: true });
    let stopListening = () => {};
    try {
      job = await this.#admit(request, { owner, isAwaited: true }, { onEvent, needsFiles });
      if (signal.aborted) cancel();
      stopListening = this.outage?.listen(fault => this.#fail(job!, fault)) ?? stopListening;
      const outcome = await job.outcome;
      if ('failure' in outcome) throw outcome.failure;
      return outcome.result;
    } finally {
      signal.removeEventListener('abort', cancel);
      stopListening();
    }
  }

  async file(id: string, name: string): Promise<Uint8Array | undefined> {
    if (!this.#active.has(id) && !this.#records.has(id)) return undefined;
    return this.#keeper.store.readFile(id, name);
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
    const active = this.#countActive(options.owner);
    requireRoom(queue, { active, keyConcurrency: limits.keyConcurrency, duration: this.#duration });
    const { record, files } = newRecord(checked, options, this.#now());
    const job = activeJob(record, model, queue, { onEvent, files: needsFiles ? undefined : files });
    this.#enter(job);
    job.admission = this.#keeper.keepNew(job, files);
    try {
      await job.admission;
    } catch (error) {
      this.#forgetActive(job);
      throw error;
    }
    job.tellCaller();
    this.#start(job);
    return job;
  }

  #countActive(owner: string): number {
    return [...this.#active.values()].filter(({ record, isOver }) => record.owner === owner && !isOver).length;
  }

  #enter(job: ActiveJob): void {
    const { record, queue } = job;
    this.#active.set(record.id, job);
    if (record.idempotency) this.#keys.set(record.owner, record.idempotency, record.id);
    queue.enter(record.id, record.request.priority ?? 0);
  }

  /** Removes all traces of a job that was not admitted. */
  #forgetActive(job: ActiveJob): void {
    const { id } = job.record;
    job.isOver = true;
    this.#active.delete(id);
    this.#keys.forget(id);
    job.queue.leave(id);
  }

  #start(job: ActiveJob): void {
    job.queue.start(job.record.id, job.record.request.priority ?? 0, () => this.#execute(job));
  }

  async #execute(job: ActiveJob): Promise<void> {
    const { log, execute = executeHere } = this.#options;
    const { signal } = job.controller;
    const started = this.#now();
    job.record = { ...job.record, status: 'running', started, attempts: job.record.attempts + 1 };
    job.events.append({ type: 'started' });
    this.#observer.started(job.record);
    try {
      await this.#keeper.keepState(job);
      const request = await this.#keeper.requestOf(job);
      signal.throwIfAborted();
      const emit = this.#emitter(job.events, job, started);
      const made = await execute(job.record, job.model, request, { signal, emit, now: this.#now });
      signal.throwIfAborted();
      const { result, bytes } = await this.#keeper.keepSamples(job, made);
      if (job.isOver) return await this.#keeper.dropSamples(job.record.id, result);
      this.#duration = 0.8 * this.#duration + 0.2 * (this.#now() - started);
      await this.#complete(job, result, bytes);
    } catch (error) {
      if (job.isOver) return;
      const isTold = DuetError.isInstance(error) && error.code !== 'storage-full';
      if (!isTold) log.error({ err: error, job: job.record.id }, 'a job failed');
      this.#end(job, { status: 'failed', error: toJobError(error) }, { failure: error });
    }
  }

  #emitter(events: EventLog, job: ActiveJob, started: number): EventLog['append'] {
    let previous = started;
    return event => {
      if (job.isOver) return;
      if (event.type === 'progress') {
        job.progress = { step: event.step, steps: event.steps, etaMs: event.etaMs };
        this.#observer.step(job.record, this.#now() - previous);
        previous = this.#now();
      }
      events.append(event);
    };
  }

  /**
   * The end is stored before clients are notified of it: a job that a client saw completed never runs again, and no
   * caption is sent twice.
   */
  async #complete(job: ActiveJob, result: JobResult, bytes: number): Promise<void> {
    const { record, events } = job;
    const kept: JobResult = { ...result, samples: result.samples.map(({ png: _, ...sample }) => sample) };
    job.isOver = true;
    const ended = {
      ...record,
      ended: this.#now(),
      result: kept,
      bytes: record.bytes + bytes,
      status: 'succeeded',
    } as const;
    const last = { ...ended, lastEventId: events.lastId + lastEventsOf(ended).length };
    await this.#keeper.keepLast(job, last);
    job.record = last;
    this.#settle(job, { result });
  }

  #cancel(job: ActiveJob, reason: unknown): void {
    if (!job.isOver) this.#stop(job, { status: 'cancelled' }, reason);
  }

  #fail(job: ActiveJob, reason: DuetError): void {
    if (!job.isOver) this.#stop(job, { status: 'failed', error: toJobError(reason) }, reason);
  }

  #stop(job: ActiveJob, change: Pick<JobRecord, 'status' | 'error'>, reason: unknown): void {
    this.#end(job, change, { failure: reason });
    job.queue.leave(job.record.id);
    job.controller.abort(reason);
  }

  #end(job: ActiveJob, change: Pick<JobRecord, 'status' | 'error'>, outcome: Outcome): void {
    job.isOver = true;
    job.record = { ...job.record, ...change, ended: this.#now(), lastEventId: job.events.lastId + 1 };
    void this.#keeper.keepLast(job, job.record);
    this.#settle(job, outcome);
  }

  #settle(job: ActiveJob, outcome: Outcome): void {
    const { record } = job;
    this.#active.delete(record.id);
    if (job.isKept) this.#records.set(record.id, record);
    for (const event of lastEventsOf(record)) job.events.append(event);
    this.#observer.ended(record);
    job.finished(outcome);
    this.forgetExpired().catch(error => this.#options.log.error({ err: error }, 'old jobs were not removed'));
  }

  /** Leaves jobs that may be continued to the next process, and cancels the others. */
  #putOff(status: 'queued' | 'running'): void {
    const reason = new DuetError('shutting-down', 'The server stopped before the job was done');
    for (const job of [...this.#active.values()].filter(({ record, isOver }) => record.status === status && !isOver)) {
      if (job.record.isAwaited || this.#options.unfinished === 'fail') {
        this.#fail(job, reason);
        continue;
      }
      job.isOver = true;
      job.record = { ...queuedAgain(job.record), attempts: Math.max(0, job.record.attempts - 1) };
      void this.#keeper.keepLast(job, job.record);
      job.queue.leave(job.record.id);
      job.controller.abort(reason);
      job.events.close();
      job.finished({ failure: reason });
    }
  }

  async #restore(record: JobRecord): Promise<void> {
    if (record.ended !== undefined) {
      this.#records.set(record.id, record);
      if (record.idempotency) this.#keys.set(record.owner, record.idempotency, record.id);
      return;
    }
    const model = this.#options.models.find(({ info }) => info.id === record.request.model);
    const queue = model && this.#queues.get(model.info.id);
    /** Jobs that other processes run cannot end this one, so their attempts are not limited here. */
    const isTriedAgain = this.#options.execute !== undefined || record.attempts < mostAttempts;
    if (queue && this.#options.unfinished === 'requeue' && !record.isAwaited && isTriedAgain) {
      const again = takenUp(record);
      await this.#keeper.keepLogged(again);
      const job = activeJob(again, model, queue);
      job.tellCaller();
      this.#enter(job);
      void this.#keeper.store.whenUsable().then(() => this.#start(job)); // on a full disk it would only fail
      return;
    }
    const ended = interrupted(record, this.#now());
    this.#records.set(record.id, ended);
    await this.#keeper.keepLogged(ended);
  }

  /** Removes jobs beyond the limits of age, number and size; it is also called whenever a job ends. */
  async forgetExpired(): Promise<void> {
    for (const id of expiredJobs([...this.#records.values()], this.#options.limits, this.#now())) await this.remove(id);
  }

  #sum(count: (queue: ModelQueue) => number): number {
    return [...this.#queues.values()].reduce((sum, queue) => sum + count(queue), 0);
  }
}
