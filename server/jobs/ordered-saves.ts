/** Saves of one job follow one another: an older state must not overtake a newer one. */
import type { JobRecord, JobStore } from './store.ts';

export class OrderedSaves {
  readonly #store: Pick<JobStore, 'save'>;
  /** The last save of each job that has one under way. */
  readonly #last = new Map<string, Promise<void>>();

  constructor(store: Pick<JobStore, 'save'>) {
    this.#store = store;
  }

  save(record: JobRecord): Promise<void> {
    const saving = (this.#last.get(record.id) ?? Promise.resolve()).then(() => this.#store.save(record));
    const settled = saving.catch(() => {});
    this.#last.set(record.id, settled);
    void settled.then(() => {
      if (this.#last.get(record.id) === settled) this.#last.delete(record.id);
    });
    return saving;
  }

  /** Resolves when nothing of the job, or of any, is being saved. */
  async settled(id?: string): Promise<void> {
    await (id === undefined ? Promise.all(this.#last.values()) : this.#last.get(id));
  }
}
