/** The jobs that the service knows: those that are queued or running, and the records of those that have ended. */
import type { ActiveJob } from './active-job.ts';
import { IdempotencyKeys, type IdempotencyMark } from './idempotency.ts';
import { viewOf } from './records.ts';
import type { JobRecord } from './store.ts';
import type { JobView } from './types.ts';

export class JobTable {
  readonly #active = new Map<string, ActiveJob>();
  /** The oldest first. */
  readonly #ended = new Map<string, JobRecord>();
  readonly #keys = new IdempotencyKeys();

  /** Adds a job, and gives it its place in the queue. */
  enter(job: ActiveJob): void {
    const { record, queue } = job;
    this.#active.set(record.id, job);
    if (record.idempotency) this.#keys.set(record.owner, record.idempotency, record.id);
    queue.enter(record.id, record.request.priority ?? 0);
  }

  /** Removes all traces of a job that was not admitted. */
  reject(job: ActiveJob): void {
    const { id } = job.record;
    job.isOver = true;
    this.#active.delete(id);
    this.#keys.forget(id);
    job.queue.leave(id);
  }

  /** Moves a job to those that have ended, unless it is not kept. */
  end({ record, isKept }: ActiveJob): void {
    this.#active.delete(record.id);
    if (isKept) this.#ended.set(record.id, record);
  }

  /** A job that a former process ended. */
  addEnded(record: JobRecord): void {
    this.#ended.set(record.id, record);
    if (record.idempotency) this.#keys.set(record.owner, record.idempotency, record.id);
  }

  /** Forgets a job that has ended. */
  forget(id: string): void {
    this.#ended.delete(id);
    this.#keys.forget(id);
  }

  active(id: string): ActiveJob | undefined {
    return this.#active.get(id);
  }

  ended(id: string): JobRecord | undefined {
    return this.#ended.get(id);
  }

  /** Records of all jobs that have ended, the oldest first. */
  get allEnded(): readonly JobRecord[] {
    return [...this.#ended.values()];
  }

  /** Jobs in this state whose end is not decided. */
  unfinished(status: 'queued' | 'running'): readonly ActiveJob[] {
    return [...this.#active.values()].filter(({ record, isOver }) => record.status === status && !isOver);
  }

  /** Jobs whose end is decided, but not stored yet. */
  get ending(): readonly ActiveJob[] {
    return [...this.#active.values()].filter(({ isOver }) => isOver);
  }

  /** Jobs of an owner whose end is not decided. */
  countOf(owner: string): number {
    return [...this.#active.values()].filter(({ record, isOver }) => record.owner === owner && !isOver).length;
  }

  /** The id of the job that an idempotency key stands for. @throws DuetError 'invalid-argument' */
  idOf(owner: string, mark: IdempotencyMark): string | undefined {
    return this.#keys.find(owner, mark);
  }

  view(id: string): JobView | undefined {
    const job = this.#active.get(id);
    if (job) return { ...viewOf(job.record, job.queue.position(id), job.progress), ...presentOf(job) };
    const record = this.#ended.get(id);
    return record && viewOf(record, null, null);
  }

  list({ owner, limit, before }: { owner: string; limit: number; before?: string }): readonly JobView[] {
    return [...this.#ended.keys(), ...this.#active.keys()]
      .filter(id => before === undefined || id < before)
      .filter(id => (this.#active.get(id)?.record ?? this.#ended.get(id))?.owner === owner)
      .sort()
      .reverse()
      .slice(0, limit)
      .flatMap(id => this.view(id) ?? []);
  }
}

/** What there is of an answer that is being written. */
function presentOf({ isOver, told: { written }, finished }: ActiveJob): Pick<JobView, 'present'> {
  if (isOver || !written) return {};
  return { present: { ...written, files: written.pictures.map((_, index) => finished?.fileOf(index)) } };
}
