/** The observers that are notified of the events of jobs: metrics and traces. */
import type { JobRecord } from './store.ts';

export interface JobObserver {
  started(record: JobRecord): void;
  step(record: JobRecord, milliseconds: number): void;
  ended(record: JobRecord): void;
}

export function tellAll(...observers: readonly JobObserver[]): JobObserver {
  return {
    started: record => {
      for (const observer of observers) observer.started(record);
    },
    step: (record, milliseconds) => {
      for (const observer of observers) observer.step(record, milliseconds);
    },
    ended: record => {
      for (const observer of observers) observer.ended(record);
    },
  };
}
