/** The store that keeps jobs when the process ends: the record of a job, and the operations of a store. */
import { DuetError } from '../../src/core/errors.ts';
import { withFiles } from './given-files.ts';
import type { IdempotencyMark } from './idempotency.ts';
import type { JobRequest, JobView } from './types.ts';

/** What clients see of a job, except its position in the queue, and what only the service needs. */
export interface JobRecord extends Omit<JobView, 'position' | 'progress'> {
  readonly format: 'duet-job-1';
  /** A client waits for the result on an open connection: if the connection ends, the job has no use. */
  readonly isAwaited: boolean;
  /** How often it was started; a job that ends the server process must not be started again without limit. */
  readonly attempts: number;
  /** Of a job that has ended, the id of its last event; otherwise the largest id that former processes may have sent. */
  readonly lastEventId: number;
  /** The size of all its files together. */
  readonly bytes: number;
  readonly idempotency?: IdempotencyMark;
}

export interface JobStore {
  /** All records, the oldest first. Called once, before anything else. */
  load(): Promise<readonly JobRecord[]>;
  /** Replaces the record as a whole or not at all; lasts once this resolves. */
  save(record: JobRecord): Promise<void>;
  /** @throws DuetError 'storage-full' | 'overloaded' saying where and why, as all that writes; nothing half written stays */
  writeFile(id: string, name: string, bytes: Uint8Array): Promise<void>;
  readFile(id: string, name: string): Promise<Uint8Array | undefined>;
  /** Removes files; those that do not exist are ignored. */
  removeFiles(id: string, names: readonly string[]): Promise<void>;
  /** Forgets a job with its files. */
  remove(id: string): Promise<void>;
  /** Writes `bytes` bytes and removes them again; rejects, as writes do, while there is no space for them. */
  probe(bytes: number): Promise<void>;
  close(): Promise<void>;
}

/**
 * The request of a record with the pictures that came with it.
 * @throws DuetError 'invalid-image' if the store has lost one
 */
export async function withInputs(store: JobStore, { id, inputs, request }: JobRecord): Promise<JobRequest> {
  const files: Record<string, Uint8Array> = {};
  for (const name of inputs) {
    const bytes = await store.readFile(id, name);
    if (!bytes) throw new DuetError('invalid-image', `The job's ${name} is gone from the data folder; send it again`);
    files[name] = bytes;
  }
  return withFiles(request, files);
}
