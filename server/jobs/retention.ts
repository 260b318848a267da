/** Selects jobs to remove: the oldest ones that have ended, until age, number and size are within limits. */
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
  for (const { id, ended, bytes: size } of records) {
    if (ended === undefined) continue;
    const isOld = now - ended > limits.maxAgeMs;
    if (!isOld && bytes <= limits.maxBytes && count <= limits.maxJobs) continue;
    expired.push(id);
    bytes -= size;
    count--;
  }
  return expired;
}
