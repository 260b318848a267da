/** What the job service of a process is given. */
import type { LoadedModel } from '../types.ts';
import type { Execute } from './execute.ts';
import type { JobObserver } from './observers.ts';
import type { Outage } from './outage.ts';
import type { RetentionLimits } from './retention.ts';
import type { JobStore } from './store.ts';

export interface JobLimits extends RetentionLimits {
  readonly maxRunning: number;
  readonly maxQueue: number;
  /** Jobs of one owner that are queued or running; 0 is no limit. */
  readonly keyConcurrency: number;
}

export interface InProcessJobsOptions {
  /** The default model first. */
  readonly models: readonly LoadedModel[];
  readonly store: JobStore;
  readonly limits: JobLimits;
  /** What becomes of jobs that were queued or running when the process ended. */
  readonly unfinished: 'requeue' | 'fail';
  readonly log: { error(details: object, message: string): void };
  /** Notified of the events that metrics and traces are made of. */
  readonly observers: readonly JobObserver[];
  /** The version of Duet, which is written into pictures. */
  readonly version: string;
  /** @default on the model of this process */
  readonly execute?: Execute;
  /** The outages of the service that `execute` needs. @default none */
  readonly outage?: Outage;
  /** @default Date.now */
  readonly now?: () => number;
}
