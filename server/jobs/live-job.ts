/** A job that is queued or running, as the service holds it. */
import type { LoadedModel } from '../types.ts';
import { EventLog } from './event-log.ts';
import type { Lane } from './lane.ts';
import type { JobRecord } from './store.ts';
import type { JobEvent, JobProgress, JobResult } from './types.ts';

export type Outcome = { readonly result: JobResult } | { readonly failure: unknown };

export interface LiveJob {
  record: JobRecord;
  progress: JobProgress | null;
  /** Its end is decided, if perhaps not yet stored and told. */
  isOver: boolean;
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
  onEvent?: (event: JobEvent) => void,
): LiveJob {
  let finished: (outcome: Outcome) => void = () => {};
  const outcome = new Promise<Outcome>(resolve => {
    finished = resolve;
  });
  return {
    record,
    progress: null,
    isOver: false,
    model,
    lane,
    events: new EventLog(record.lastEventId, onEvent),
    controller: new AbortController(),
    outcome,
    finished,
  };
}
