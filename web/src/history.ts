/** What the server's history changes in the jobs that the page knows. Pure. */
import { isOver, type JobState, jobFromView } from './job-state.ts';
import type { WireJob } from './wire.ts';

/** Jobs that are over stay the objects they are, and so does the `streamed` one, which knows more than the history. */
export function mergeHistory(known: readonly JobState[], views: readonly WireJob[], streamed?: string): JobState[] {
  const read = new Map(views.map(view => [view.id, view]));
  const kept = known.map(job => {
    const view = read.get(job.id);
    read.delete(job.id);
    return view === undefined || isOver(job) || job.id === streamed ? job : updated(job, view);
  });
  return [...kept, ...[...read.values()].map(jobFromView)].sort((a, b) => b.created - a.created);
}

/** What was seen of a job and is not in the history stays until the job has its result. */
function updated({ text, places, previews, early }: JobState, view: WireJob): JobState {
  const job = jobFromView(view);
  if (job.status === 'succeeded') return job;
  if (job.status === 'failed') return { ...job, text, places };
  return { ...job, text, places, previews, ...(!isOver(job) && { early }) };
}

/** Jobs that a full look at the newest `views` should have shown, but did not: removed elsewhere, or lost by a restart. */
export function removedJobs(known: readonly JobState[], views: readonly WireJob[], hasMore: boolean): Set<string> {
  const seen = new Set(views.map(({ id }) => id));
  const oldest = hasMore ? Math.min(...views.map(({ created }) => created * 1000)) : Number.NEGATIVE_INFINITY;
  return new Set(known.filter(({ id, created }) => created > oldest && !seen.has(id)).map(({ id }) => id));
}
