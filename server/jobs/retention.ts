/**
 * Selects jobs to remove: the oldest ones that have ended, until age, number and size are within limits. Those with a favourite
 * do not age, and go only where the others' going is not enough: the limits of number and size hold for them too.
 */
import type { JobRecord } from './store.ts';

export interface RetentionLimits {
  readonly maxAgeMs: number;
  readonly maxBytes: number;
  readonly maxJobs: number;
}

/** @param records the oldest first @returns ids to remove */
export function expiredJobs(records: readonly JobRecord[], limits: RetentionLimits, now: number): string[] {
  let bytes = records.reduce((sum, record) => sum + record.bytes, 0);
  let count = records.length;
  const expired: string[] = [];
  const hasFavourite = ({ result }: JobRecord) => result?.samples.some(({ favourite }) => favourite) ?? false;
  const favourites = new Set(records.filter(hasFavourite));
  for (const record of [...records.filter(other => !favourites.has(other)), ...favourites]) {
    const { id, ended, bytes: size } = record;
    if (ended === undefined) continue;
    const isOld = !favourites.has(record) && now - ended > limits.maxAgeMs;
    if (!isOld && bytes <= limits.maxBytes && count <= limits.maxJobs) continue;
    expired.push(id);
    bytes -= size;
    count--;
  }
  return expired;
}
