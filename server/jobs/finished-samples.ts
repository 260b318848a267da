/**
 * The finished samples of a running job. Each is stored as soon as it is finished, so that a job which is cancelled keeps
 * those that it has.
 */
import type { AnySample, CallResult, CallSettings } from '../../src/pipelines/index.ts';
import { describeSample } from './sample-files.ts';
import type { JobResult, JobSample } from './types.ts';

export interface SampleStorage {
  /** The content of the sample's file; undefined if it has none. */
  encode(sample: AnySample, settings: CallSettings): Promise<Uint8Array | undefined>;
  write(file: string, bytes: Uint8Array): Promise<void>;
}

interface Entry {
  readonly shown: JobSample;
  readonly png: Promise<Uint8Array | undefined>;
  /** Rejects if the file cannot be stored. */
  readonly stored: Promise<void>;
}

/** A result with the size of its files. */
export interface StoredResult {
  readonly result: JobResult;
  readonly bytes: number;
}

export class FinishedSamples {
  readonly #id: string;
  readonly #storage: SampleStorage;
  readonly #entries = new Map<number, Entry>();
  /** The latest one, for what it tells beside its samples. */
  #made: CallResult | undefined;

  /** @param id the job's */
  constructor(id: string, storage: SampleStorage) {
    this.#id = id;
    this.#storage = storage;
  }

  /**
   * Begins to store the samples of `made`, except for those that are known already. Gives the others with their bytes, once they
   * are stored.
   */
  add(indices: readonly number[], made: CallResult): Promise<ReadonlyMap<number, JobSample>> {
    if (!this.#made?.answer) this.#made = made; // what came with single pictures may arrive after the whole
    const fresh = new Map<number, Entry>();
    for (const [place, sample] of made.samples.entries()) {
      const index = indices[place]!;
      if (this.#entries.has(index)) continue;
      const entry = this.#store(sample, index, made.settings);
      fresh.set(index, entry);
      this.#entries.set(index, entry);
    }
    return this.#shownOf(fresh);
  }

  /** What is finished, whether it is stored yet or not; undefined if nothing is. */
  get present(): JobResult | undefined {
    return this.#resultOf(this.#inOrder().map(({ shown }) => shown));
  }

  /** What is finished and could be stored; `failed` is called with the errors of the rest. */
  async stored(failed: (error: unknown) => void): Promise<StoredResult | undefined> {
    const kept: { readonly shown: JobSample; readonly bytes: number }[] = [];
    for (const { shown, png, stored } of this.#inOrder()) {
      try {
        await stored;
        kept.push({ shown, bytes: (await png)?.length ?? 0 });
      } catch (error) {
        failed(error);
      }
    }
    const result = this.#resultOf(kept.map(({ shown }) => shown));
    return result && { result, bytes: kept.reduce((sum, { bytes }) => sum + bytes, 0) };
  }

  /** All samples, with the bytes of their files. Rejects if one could not be stored. */
  async complete(): Promise<StoredResult> {
    await Promise.all(this.#inOrder().map(({ stored }) => stored));
    return this.#withBytes(({ shown }) => shown);
  }

  /** The same without files, for a job that is not kept. */
  unstored(): Promise<StoredResult> {
    return this.#withBytes(({ shown: { file: _, ...shown } }) => shown);
  }

  /** Resolves when nothing is being stored any more. */
  async settled(): Promise<void> {
    await Promise.allSettled([...this.#entries.values()].map(({ stored }) => stored));
  }

  /** The name of a finished sample's file, whether it is stored yet or not. */
  fileOf(index: number): string | undefined {
    return this.#entries.get(index)?.shown.file;
  }

  /** Names of the files that were stored, or may have been. */
  get files(): readonly string[] {
    return [...this.#entries.values()].flatMap(({ shown }) => shown.file ?? []);
  }

  #store(sample: AnySample, index: number, settings: CallSettings): Entry {
    const shown = describeSample(sample, index);
    const png = this.#storage.encode(sample, settings);
    const stored = png.then(bytes => bytes && this.#storage.write(shown.file!, bytes));
    stored.catch(() => {}); // read by whoever ends the job
    return { shown, png, stored };
  }

  async #shownOf(entries: ReadonlyMap<number, Entry>): Promise<ReadonlyMap<number, JobSample>> {
    const stored = new Map<number, JobSample>();
    for (const [index, entry] of entries) {
      const isStored = await entry.stored.then(
        () => true,
        () => false,
      );
      const png = isStored ? await entry.png : undefined;
      if (isStored) stored.set(index, { ...entry.shown, ...(png && { png }) });
    }
    return stored;
  }

  #inOrder(): readonly Entry[] {
    return [...this.#entries].sort(([a], [b]) => a - b).map(([, entry]) => entry);
  }

  async #withBytes(shownOf: (entry: Entry) => JobSample): Promise<StoredResult> {
    const samples = await Promise.all(
      this.#inOrder().map(async entry => {
        const png = await entry.png;
        return { ...shownOf(entry), ...(png && { png }) };
      }),
    );
    return {
      result: this.#resultOf(samples)!, // a call that ended has made at least one sample, or an answer
      bytes: samples.reduce((sum, { png }) => sum + (png?.length ?? 0), 0),
    };
  }

  #resultOf(samples: readonly JobSample[]): JobResult | undefined {
    // An answer without pictures is a result too.
    if (!this.#made || (samples.length === 0 && !this.#made.answer)) return undefined;
    const { unknownWords, captionCut, familiarity, isFamiliar, answer, timings } = this.#made;
    const seen = familiarity === undefined || isFamiliar === undefined ? {} : { familiarity, isFamiliar };
    return { id: this.#id, samples, unknownWords, captionCut, ...seen, ...(answer && { answer }), timings };
  }
}
