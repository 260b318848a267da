/** How a store names what it keeps of a job: <day>/<id>/job.json beside the job's files, in a folder or a bucket alike. */
import { timeOfJobId } from './job-id.ts';
import type { JobRecord } from './store.ts';

export const recordFile = 'job.json';

/** No separators, no leading dot: a name can only be a file of the job's own folder. */
const fileName = /^[A-Za-z0-9_-]+(\.[a-z0-9]+)?$/;

export function isFileName(name: string): boolean {
  return fileName.test(name);
}

/** Whether `name` may be a file that belongs to the job `id`; its record is none. */
export function isJobFile(id: string, name: string): boolean {
  return timeOfJobId(id) !== undefined && isFileName(name) && name !== recordFile;
}

/** The day that a job was created on, UTC, as YYYY-MM-DD. */
export function dayOf(id: string): string {
  return new Date(timeOfJobId(id) ?? 0).toISOString().slice(0, 10);
}

/** The record of the job `id`; undefined if `text` is none. */
export function parseRecord(text: string, id: string): JobRecord | undefined {
  try {
    const record = JSON.parse(text) as JobRecord;
    if (record.format === 'duet-job-1' && record.id === id) return record;
  } catch {
    // The store warns of it, as of a record of another format.
  }
  return undefined;
}
