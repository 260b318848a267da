/** A job that is queued or running, as the service holds it. */
import type { LoadedModel } from '../types.ts';
import { EventLog } from './event-log.ts';
import type { Lane } from './lane.ts';
import type { JobFiles, JobRecord } from './store.ts';
import type { JobEvent, JobProgress, JobResult } from './types.ts';

export type Outcome = { readonly result: JobResult } | { readonly failure: unknown };

export interface LiveJob {
  record: JobRecord;
  progress: JobProgress | null;
  /** Its end is decided, if perhaps not yet stored and told. */
  isOver: boolean;
  /** Its record and files are in the store; false once a job that can do without was left out of a store that failed. */
  isKept: boolean;
  /** What its store must do before it counts as accepted. */
  admission: Promise<void>;
  /** Its caller hears of events from now on, and of those before: one that was refused must hear of none. */
  readonly tellCaller: () => void;
  /** Its pictures, where it can do without the store. */
  readonly files: JobFiles | undefined;
  readonly model: LoadedModel;
  readonly lane: Lane;
  readonly events: EventLog;
  readonly controller: AbortController;
  readonly outcome: Promise<Outcome>;
  readonly finished: (outcome: Outcome) => void;
}

export function liveJob(
  record: JobRecord,
  model: LoadedModel,
  lane: Lane,
  { onEvent, files }: { onEvent?: ((event: JobEvent) => void) | undefined; files?: JobFiles | undefined } = {},
): LiveJob {
  let finished: (outcome: Outcome) => void = () => {};
  const outcome = new Promise<Outcome>(resolve => {
    finished = resolve;
  });
  const early: JobEvent[] = [];
  let tell = (event: JobEvent): void => {
    early.push(event);
  };
  return {
    record,
    progress: null,
    isOver: false,
    isKept: true,
    admission: Promise.resolve(),
    tellCaller() {
      tell = onEvent ?? (() => {});
      for (const event of early.splice(0)) tell(event);
    },
    files,
    model,
    lane,
    events: new EventLog(record.lastEventId, event => tell(event)),
    controller: new AbortController(),
    outcome,
    finished,
  };
}
