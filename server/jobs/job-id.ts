/** Ids of jobs: sorted by time as text, and not to be guessed. */
import { randomBytes } from 'node:crypto';

const timeDigits = 9;
const pattern = /^job_([0-9a-z]{9})[0-9a-f]{20}$/;

export function createJobId(now: number): string {
  return `job_${Math.floor(now).toString(36).padStart(timeDigits, '0')}${randomBytes(10).toString('hex')}`;
}

/** When the job of an id was created, in milliseconds since 1970; undefined if it is no job's id. */
export function timeOfJobId(id: string): number | undefined {
  const digits = pattern.exec(id)?.[1];
  return digits === undefined ? undefined : Number.parseInt(digits, 36);
}
