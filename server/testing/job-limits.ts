/** Limits of a job service under test that nothing runs into, but for those a test sets. */
import type { JobLimits } from '../jobs/in-process-options.ts';

export function jobLimits(some: Partial<JobLimits>): JobLimits {
  return {
    maxRunning: 50,
    maxQueue: 50,
    keyConcurrency: 0,
    maxAgeMs: 1e9,
    maxBytes: 1e9,
    maxJobs: 100,
    ...some,
  };
}
