/** The job service in this process with a stand-in model, for tests. */
import { InProcessJobs } from '../jobs/in-process.ts';
import type { JobLimits } from '../jobs/in-process-options.ts';
import { memoryStore } from '../jobs/memory-store.ts';
import type { JobRecord, JobStore } from '../jobs/store.ts';
import type { JobEvent, JobRequest } from '../jobs/types.ts';
import { withLimits } from '../served-options.ts';
import { type FakeModelOptions, fakeModel } from './fake-model.ts';
import { jobLimits } from './job-limits.ts';

export const limits = jobLimits({ maxRunning: 2, maxQueue: 3, maxAgeMs: 1000 });
export const owner = 'tester';
export const drawing: JobRequest = { mode: 't2i', prompt: 'an apple', seed: 5 };

interface Setup extends FakeModelOptions {
  readonly limits?: Partial<JobLimits>;
  readonly unfinished?: 'requeue' | 'fail';
  readonly store?: JobStore;
  readonly now?: () => number;
}

export async function setUp({ limits: some, unfinished = 'requeue', store, now, ...options }: Setup = {}) {
  const model = fakeModel(options);
  const errors: object[] = [];
  const jobs = await InProcessJobs.open({
    models: [withLimits(model, { maxSamples: 4, maxSteps: 50 })],
    store: store ?? memoryStore(),
    limits: { ...limits, ...some },
    unfinished,
    log: { error: details => errors.push(details) },
    observers: [],
    version: '0.0.0',
    ...(now && { now }),
  });
  return { jobs, model, errors };
}

/** Its events behind number `after`, to its end. */
export async function eventsOf(jobs: InProcessJobs, id: string, after = 0): Promise<JobEvent[]> {
  const events: JobEvent[] = [];
  for await (const event of jobs.events(id, { after })) events.push(event);
  return events;
}

/** A store that remembers, as files would. */
export function keepingStore(records = new Map<string, JobRecord>()): JobStore & { records: Map<string, JobRecord> } {
  return {
    ...memoryStore(),
    records,
    load: async () => [...records.values()],
    save: async record => {
      records.set(record.id, structuredClone(record));
    },
    remove: async id => {
      records.delete(id);
    },
  };
}
