/**
 * Ends of jobs that clients were notified of but that could not be stored: they are written later, so that the next
 * server does not run these jobs again.
 */
import type { JobRecord } from './store.ts';

export class LateRecords {
  readonly #records = new Map<string, JobRecord>();
  readonly #save: (record: JobRecord) => Promise<void>;
  #writing: Promise<void> = Promise.resolve();

  constructor(save: (record: JobRecord) => Promise<void>) {
    this.#save = save;
  }

  /** Saves `record` now; if that fails and it is the end of a job, again at the next `write`. */
  async save(record: JobRecord, save: () => Promise<void>): Promise<void> {
    await this.forget(record.id);
    try {
      await save();
    } catch (error) {
      if (record.ended !== undefined) this.#records.set(record.id, record);
      throw error;
    }
  }

  /** Resolves when nothing of the job will be written any more. */
  async forget(id: string): Promise<void> {
    if (this.#records.delete(id)) await this.#writing.catch(() => {});
  }

  write(): Promise<void> {
    this.#writing = this.#writing.catch(() => {}).then(() => this.#writeAll());
    return this.#writing;
  }

  async #writeAll(): Promise<void> {
    for (const [id, record] of this.#records) {
      await this.#save(record);
      if (this.#records.get(id) === record) this.#records.delete(id);
    }
  }
}
