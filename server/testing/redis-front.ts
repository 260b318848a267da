/** A front whose jobs run on workers, in this process and in memory, for tests. */
import { InProcessJobs } from '../jobs/in-process.ts';
import type { JobLimits } from '../jobs/in-process-options.ts';
import { memoryStore } from '../jobs/memory-store.ts';
import { openRedisProducer, type RedisProducer } from '../jobs/redis/producer.ts';
import type { ModelInfo } from '../types.ts';
import { jobLimits } from './job-limits.ts';

export interface TestFront {
  readonly jobs: InProcessJobs;
  readonly front: RedisProducer;
  close(): Promise<void>;
}

export interface TestFrontOptions {
  readonly info: ModelInfo;
  readonly timeoutMs?: number | undefined;
  readonly limits?: Partial<JobLimits>;
}

export async function testFront(url: string, { info, timeoutMs, limits = {} }: TestFrontOptions): Promise<TestFront> {
  const front = await openRedisProducer(url, info.id, () => {}, timeoutMs);
  const jobs = await InProcessJobs.open({
    models: [{ info, model: null }],
    store: memoryStore(),
    limits: jobLimits(limits),
    unfinished: 'fail',
    log: { error: () => {} },
    observers: [front.observer],
    execute: front.execute,
    outage: front.outage,
    version: '0.0.0',
  });
  return {
    jobs,
    front,
    close: async () => {
      await jobs.drain(0);
      await front.close();
    },
  };
}
