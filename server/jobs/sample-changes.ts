/**
 * What people change in jobs that are over: favourites, and pictures that are deleted. One change follows the other, so that
 * none overwrites another; what cannot be stored is not changed.
 */
import { DuetError } from '../../src/core/errors.ts';
import type { JobKeeper } from './job-keeper.ts';
import type { JobTable } from './job-table.ts';
import type { JobRecord } from './store.ts';
import type { JobSample } from './types.ts';

export interface SampleChangesOptions {
  readonly table: JobTable;
  readonly keeper: JobKeeper;
  /** Ids of jobs that are being removed: nothing of them may be saved any more. */
  readonly removing: ReadonlySet<string>;
}

export class SampleChanges {
  readonly #options: SampleChangesOptions;
  #last: Promise<unknown> = Promise.resolve();

  constructor(options: SampleChangesOptions) {
    this.#options = options;
  }

  mark(id: string, index: number, isFavourite: boolean): Promise<void> {
    return this.#inTurn(async () => {
      const { record, sample } = this.#find(id, index);
      if (sample.removed) throw notFound(id, index);
      if (isFavourite === (sample.favourite ?? false)) return;
      const { favourite: _, ...plain } = sample;
      await this.#change(withSample(record, index, isFavourite ? { ...plain, favourite: true } : plain));
    });
  }

  /** The file goes before the record: one that is cut off in between lists a picture that is gone, and can be repeated. */
  removePicture(id: string, index: number): Promise<void> {
    return this.#inTurn(async () => {
      const { file } = this.#find(id, index).sample;
      if (file === undefined) throw notFound(id, index);
      const { store } = this.#options.keeper;
      const freed = (await store.readFile(id, file))?.length ?? 0;
      await store.removeFiles(id, [file]);
      const { record, sample } = this.#find(id, index);
      const { file: _file, favourite: _favourite, width: _width, height: _height, ...rest } = sample;
      const changed = withSample(record, index, { ...rest, removed: true });
      await this.#change({ ...changed, bytes: Math.max(0, record.bytes - freed) });
    });
  }

  async #change(next: JobRecord): Promise<void> {
    const { table, keeper } = this.#options;
    await keeper.keepChange(next);
    if (table.ended(next.id)) table.addEnded(next); // it may have been removed meanwhile
  }

  #find(id: string, index: number): { record: JobRecord; sample: JobSample } {
    const { table, removing } = this.#options;
    if (table.active(id)) throw new DuetError('job-running', `The job ${id} is not over yet; cancel it or wait`);
    const record = removing.has(id) ? undefined : table.ended(id);
    const sample = record?.result?.samples[index];
    if (!record || !sample) throw notFound(id, index);
    return { record, sample };
  }

  #inTurn<T>(change: () => Promise<T>): Promise<T> {
    const done = this.#last.then(change);
    this.#last = done.catch(() => {});
    return done;
  }
}

function withSample(record: JobRecord, index: number, sample: JobSample): JobRecord {
  const { result } = record;
  if (!result) return record;
  return { ...record, result: { ...result, samples: result.samples.with(index, sample) } };
}

function notFound(id: string, index: number): DuetError {
  return new DuetError('not-found', `The job ${id} has no picture ${index}, or no more`);
}
