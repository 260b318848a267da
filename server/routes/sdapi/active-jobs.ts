/**
 * The jobs of this family that are not over: A1111's clients ask for "the" progress and interrupt "the" generation, without
 * naming any. Each owner sees and stops only its own.
 */
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
}

export interface ActiveJobs {
  begin(id: string, owner: string, kind: string): ActiveJob;
  end(id: string): void;
  /** The owner's job that runs, or else the first one that waits. */
  current(owner: string): ActiveJob | undefined;
  /** Marks the owner's jobs as stopped, and tells their ids: all of them, or of `skip` the current one. */
  stop(owner: string, how: 'interrupt' | 'skip'): readonly string[];
}

export function createActiveJobs(): ActiveJobs {
  const jobs = new Map<string, ActiveJob>();
  const ofOwner = (owner: string) => [...jobs].filter(([, job]) => job.owner === owner);
  const currentOf = (owner: string) => {
    const own = ofOwner(owner);
    return own.find(([, job]) => job.started) ?? own[0];
  };
  return {
    begin(id, owner, kind) {
      const fresh = { started: false, step: 0, steps: 0, etaMs: null, previews: [], stopped: undefined };
      const job: ActiveJob = { owner, kind, created: Date.now(), ...fresh };
      jobs.set(id, job);
      return job;
    },
    end: id => {
      jobs.delete(id);
    },
    current: owner => currentOf(owner)?.[1],
    stop(owner, how) {
      const current = currentOf(owner);
      const stopped = how === 'interrupt' ? ofOwner(owner) : current ? [current] : [];
      for (const [, job] of stopped) job.stopped = how;
      return stopped.map(([id]) => id);
    },
  };
}

/** Keeps `job` up to date with what happens to it. */
export function follow(job: ActiveJob, event: JobEvent): void {
  if (event.type === 'started') job.started = true;
  if (event.type === 'progress') Object.assign(job, { step: event.step, steps: event.steps, etaMs: event.etaMs });
  if (event.type === 'preview') job.previews = event.images;
}
