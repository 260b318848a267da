/**
 * Writes jobs to the store while they are queued and running: inputs, states, pictures. If the store fails, the files of
 * the failed part are removed again, and a job that does not need the store continues without being kept.
 */
import { DuetError } from '../../src/core/errors.ts';
import type { ActiveJob } from './active-job.ts';
import { FinishedSamples, type StoredResult } from './finished-samples.ts';
import { type JobFiles, withFiles } from './given-files.ts';
import { GuardedStore } from './guarded-store.ts';
import { OrderedSaves } from './ordered-saves.ts';
import { encodeSample } from './sample-files.ts';
import { isStorageError } from './storage-errors.ts';
import { type JobRecord, type JobStore, withInputs } from './store.ts';
import type { JobRequest } from './types.ts';

export interface JobKeeperOptions {
  readonly store: JobStore;
  readonly log: { error(details: object, message: string): void };
  /** The version of Duet, which is written into pictures. */
  readonly version: string;
}

export class JobKeeper {
  readonly store: GuardedStore;
  readonly #saves: OrderedSaves;
  readonly #log: JobKeeperOptions['log'];
  readonly #version: string;

  constructor({ store, log, version }: JobKeeperOptions) {
    this.store = new GuardedStore(store);
    this.#saves = new OrderedSaves(this.store);
    this.#log = log;
    this.#version = version;
  }

  /** A job that was just admitted. @throws DuetError 'storage-full' | 'overloaded', with nothing of it left in the store */
  async keepNew(job: ActiveJob, files: JobFiles): Promise<void> {
    const { record } = job;
    const write = async () => {
      await this.store.requireUsable();
      for (const [name, bytes] of Object.entries(files)) await this.store.writeFile(record.id, name, bytes);
      await this.#saves.save(record);
    };
    try {
      await this.#keep(job, write);
    } catch (error) {
      await this.#discard(record.id, error);
      throw error;
    }
  }

  /** Saves the state of a job that continues. @throws DuetError 'storage-full' | 'overloaded' */
  keepState(job: ActiveJob): Promise<void> {
    return this.#keep(job, () => this.#saves.save(job.record));
  }

  /** Saves a state that holds even if it cannot be stored; such a failure is logged. */
  async keepLogged(record: JobRecord): Promise<void> {
    await this.#saves
      .save(record)
      .catch(error => this.#log.error({ err: error, job: record.id }, 'the state of a job was not kept'));
  }

  /** Saves what was changed in a job that is over. @throws DuetError 'storage-full' | 'overloaded' */
  keepChange(record: JobRecord): Promise<void> {
    return this.#saves.save(record);
  }

  /** Saves the last state that this process gives a job, unless the job is not kept. */
  async keepLast({ isKept }: ActiveJob, record: JobRecord): Promise<void> {
    if (isKept) await this.keepLogged(record);
  }

  async requestOf({ record, files }: ActiveJob): Promise<JobRequest> {
    return files ? withFiles(record.request, files) : withInputs(this.store, record);
  }

  /** Where the samples of a job that begins to run go. */
  samplesOf(job: ActiveJob): FinishedSamples {
    const { record, model } = job;
    const origin = { version: this.#version, model: model.info.id };
    return new FinishedSamples(record.id, {
      encode: (sample, settings) => encodeSample(record, sample, settings, origin),
      write: async (file, bytes) => {
        if (job.isKept) await this.store.writeFile(record.id, file, bytes);
      },
    });
  }

  /** The result of a job, once all its files are stored; if one cannot be, none stays. @throws DuetError 'storage-full' | 'overloaded' */
  async keepResult(job: ActiveJob, finished: FinishedSamples): Promise<StoredResult> {
    let kept: StoredResult | undefined;
    await this.#keep(job, async () => {
      kept = await finished.complete().catch(async error => {
        if (!job.isOver) await this.dropFinished(job); // a cancelled one keeps what could be stored
        throw error;
      });
    });
    return kept ?? finished.unstored();
  }

  /** What a job that ends early has finished, as far as it could be stored; the errors of the rest are logged. */
  keepFinished({ record, finished }: ActiveJob): Promise<StoredResult | undefined> | undefined {
    const failed = (error: unknown) =>
      this.#log.error({ err: error, job: record.id }, 'a finished sample of a job was not kept');
    return finished?.stored(failed);
  }

  /** Removes what a failed job has finished. */
  async dropFinished({ record, finished }: ActiveJob): Promise<void> {
    if (!finished || finished.files.length === 0) return;
    await finished.settled();
    await this.store
      .removeFiles(record.id, finished.files)
      .catch(error => this.#log.error({ err: error, job: record.id }, 'files of a failed job were not removed'));
  }

  async remove(id: string): Promise<void> {
    await this.#saves.settled(id);
    await this.store.remove(id);
  }

  /** Resolves when no state is being saved. */
  settled(): Promise<void> {
    return this.#saves.settled();
  }

  async #keep(job: ActiveJob, write: () => Promise<void>): Promise<void> {
    if (!job.isKept) return;
    try {
      await write();
    } catch (error) {
      if (!job.files || !isStorageError(error)) throw error;
      const { id } = job.record;
      this.#log.error({ err: error, job: id }, 'a job is done without being kept');
      job.isKept = false;
      await this.#discard(id, error);
    }
  }

  /** Removes a job from the store, without waiting for a store that does not respond. */
  async #discard(id: string, reason: unknown): Promise<void> {
    const removed = this.remove(id).catch(error =>
      this.#log.error({ err: error, job: id }, 'what was stored of a job was not removed'),
    );
    if (DuetError.isInstance(reason) && reason.code === 'storage-full') await removed;
  }
}
