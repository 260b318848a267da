/** Opens the job service that a configuration describes. */
import type { FastifyBaseLogger } from 'fastify';
import { packageVersion } from '../../src/core/package-root.ts';
import type { ServerConfig } from '../config.ts';
import type { LoadedModel } from '../types.ts';
import { openFileStore } from './file-store.ts';
import { InProcessJobs } from './in-process.ts';
import type { JobLimits } from './in-process-options.ts';
import { memoryStore } from './memory-store.ts';
import type { JobObserver } from './observers.ts';
import { isS3Url, s3Location } from './s3-location.ts';
import type { JobStore } from './store.ts';

const hour = 3_600_000;
const megabyte = 2 ** 20;

export interface OpenJobsOptions {
  readonly config: ServerConfig;
  readonly models: readonly LoadedModel[];
  readonly log: FastifyBaseLogger;
  readonly observers: readonly JobObserver[];
}

/** @throws DuetError 'invalid-config' if the data folder or the bucket cannot be used */
export async function openJobs({ config, models, log, observers }: OpenJobsOptions): Promise<InProcessJobs> {
  const { unfinished } = config;
  const store = await openStore(config, message => log.warn(message));
  const options = { models, store, limits: limitsOf(config), unfinished, log, version: packageVersion() };
  if (config.queue === null) return InProcessJobs.open({ ...options, observers });
  const { openRedisProducer } = await import('./redis/producer.ts');
  const onError = (error: unknown) => log.warn({ err: error }, 'trouble with Redis');
  const front = await openRedisProducer(config.queue, models[0]?.info.id ?? '', onError);
  const close = async () => {
    await store.close();
    await front.close();
  };
  return InProcessJobs.open({
    ...options,
    store: { ...store, close },
    execute: front.execute,
    outage: front.outage,
    observers: [...observers, front.observer],
  });
}

async function openStore(config: ServerConfig, warn: (message: string) => void): Promise<JobStore> {
  const { data } = config;
  if (data === null) return memoryStore();
  if (!isS3Url(data)) return openFileStore(data, warn);
  const { openS3Store } = await import('./s3-store.ts');
  return openS3Store(s3Location(data, config, process.env), warn);
}

function limitsOf(config: ServerConfig): JobLimits {
  return { ...config, maxAgeMs: config.maxAgeHours * hour, maxBytes: config.maxDataMegabytes * megabyte };
}
