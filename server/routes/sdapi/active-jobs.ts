/**
 * The jobs of this family that are not over: A1111's clients ask for "the" progress and interrupt "the" generation, without
 * naming any. Each owner sees and stops only its own.
 */
import { DuetError } from '../../../src/core/errors.ts';
import type { JobEvent } from '../../jobs/types.ts';

export interface ActiveJob {
  readonly owner: string;
  /** `txt2img`, `img2img` or `interrogate`. */
  readonly kind: string;
  /** Milliseconds since 1970. */
  readonly created: number;
  started: boolean;
  step: number;
  steps: number;
  etaMs: number | null;
  /** PNG, the latest previews. */
  previews: readonly Uint8Array[];
  stopped: 'interrupt' | 'skip' | undefined;
  /** Aborted when it is stopped. */
  readonly controller: AbortController;
}

export interface ActiveJobs {
  begin(owner: string, kind: string): ActiveJob;
  end(job: ActiveJob): void;
  /** The owner's job that runs, or else the first one that waits. */
  current(owner: string): ActiveJob | undefined;
  /** Stops the owner's jobs: all of them, or with `skip` the current one. */
  stop(owner: string, how: 'interrupt' | 'skip'): void;
}

export function createActiveJobs(): ActiveJobs {
  const jobs = new Set<ActiveJob>();
  const ofOwner = (owner: string) => [...jobs].filter(job => job.owner === owner);
  const currentOf = (owner: string) => ofOwner(owner).find(({ started }) => started) ?? ofOwner(owner)[0];
  return {
    begin(owner, kind) {
      const fresh = { started: false, step: 0, steps: 0, etaMs: null, previews: [], stopped: undefined };
      const job: ActiveJob = { owner, kind, created: Date.now(), ...fresh, controller: new AbortController() };
      jobs.add(job);
      return job;
    },
    end: job => {
      jobs.delete(job);
    },
    current: currentOf,
    stop(owner, how) {
      const current = currentOf(owner);
      for (const job of how === 'interrupt' ? ofOwner(owner) : current ? [current] : []) {
        job.stopped = how;
        job.controller.abort(new DuetError('cancelled', 'The generation was interrupted'));
      }
    },
  };
}

/** Keeps `job` up to date with what happens to it. */
export function follow(job: ActiveJob, event: JobEvent): void {
  if (event.type === 'started') job.started = true;
  if (event.type === 'progress') Object.assign(job, { step: event.step, steps: event.steps, etaMs: event.etaMs });
  if (event.type === 'preview') job.previews = event.images;
}
