/** A job that is queued or running, as the service holds it. */
import type { LoadedModel } from '../types.ts';
import { EventLog } from './event-log.ts';
import type { FinishedSamples } from './finished-samples.ts';
import type { JobFiles } from './given-files.ts';
import type { ModelQueue } from './model-queue.ts';
import type { JobRecord } from './store.ts';
import { ToldAnswer } from './told-answer.ts';
import type { JobEvent, JobProgress, JobResult } from './types.ts';

export type Outcome = { readonly result: JobResult } | { readonly failure: unknown };

export interface ActiveJob {
  record: JobRecord;
  progress: JobProgress | null;
  /** Its end is decided, but perhaps not yet stored, nor clients notified of it. */
  isOver: boolean;
  /** Whether its record and files are in the store; false after a failure of the store for a job that does not need it. */
  isKept: boolean;
  /** Its samples that are finished; undefined before it runs. */
  finished: FinishedSamples | undefined;
  /** What was told of its answer in this process. */
  told: ToldAnswer;
  /** Settles when the store has accepted or rejected it. */
  admission: Promise<void>;
  /**
   * Sends its caller all events, including the earlier ones. The caller of a rejected job must receive none, so this is
   * called after admission.
   */
  readonly sendEvents: () => void;
  /** Its pictures, if the job does not need the store. */
  readonly files: JobFiles | undefined;
  readonly model: LoadedModel;
  readonly queue: ModelQueue;
  readonly events: EventLog;
  readonly controller: AbortController;
  readonly outcome: Promise<Outcome>;
  readonly settle: (outcome: Outcome) => void;
}

export function activeJob(
  record: JobRecord,
  model: LoadedModel,
  queue: ModelQueue,
  { onEvent, files }: { onEvent?: ((event: JobEvent) => void) | undefined; files?: JobFiles | undefined } = {},
): ActiveJob {
  let settle: (outcome: Outcome) => void = () => {};
  const outcome = new Promise<Outcome>(resolve => {
    settle = resolve;
  });
  const early: JobEvent[] = [];
  let send = (event: JobEvent): void => {
    early.push(event);
  };
  return {
    record,
    progress: null,
    isOver: false,
    isKept: true,
    finished: undefined,
    told: new ToldAnswer(),
    admission: Promise.resolve(),
    sendEvents() {
      send = onEvent ?? (() => {});
      for (const event of early.splice(0)) send(event);
    },
    files,
    model,
    queue,
    events: new EventLog(record.lastEventId, event => send(event)),
    controller: new AbortController(),
    outcome,
    settle,
  };
}
