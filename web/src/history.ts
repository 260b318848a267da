/** What the server's history changes in the jobs that the page knows. Pure. */
import { isOver, isWhole, type JobState, jobFromView } from './job-state.ts';
import type { WireJobSummary, WireSample } from './wire.ts';

/**
 * Jobs that are over stay the objects they are once the page has the whole of them, unless people changed what they have; so does
 * the `streamed` one, which knows more than the history.
 */
export function mergeHistory(
  known: readonly JobState[],
  views: readonly WireJobSummary[],
  streamed?: string,
): JobState[] {
  const read = new Map(views.map(view => [view.id, view]));
  const kept = known.map(job => {
    const view = read.get(job.id);
    read.delete(job.id);
    if (view === undefined || job.id === streamed) return job;
    return isOver(job) && (job.isWhole || !isWhole(view)) ? withChanges(job, view) : updated(job, view);
  });
  return [...kept, ...[...read.values()].map(jobFromView)].sort((a, b) => b.created - a.created);
}

/** Favourites and deleted pictures. */
function withChanges(job: JobState, { result }: WireJobSummary): JobState {
  const samples = result?.samples ?? [];
  const isSame = (sample: WireSample, index: number) =>
    sample.favourite === samples[index]?.favourite && sample.removed === samples[index]?.removed;
  return samples.length !== job.samples.length || job.samples.every(isSame) ? job : { ...job, samples };
}

/** What was seen of a job and is not in the history stays until the job has its result. */
function updated(known: JobState, view: WireJobSummary): JobState {
  const { previews, early, request } = known;
  const read = jobFromView(view);
  if (read.status === 'succeeded') return read;
  const job = known.isWhole ? { ...read, request, isWhole: true } : read;
  const { text, places } = 'written' in view ? job : known;
  if (job.status === 'failed') return { ...job, text, places };
  return { ...job, text, places, previews, ...(!isOver(job) && { early }) };
}

/** Jobs that a full look at the newest `views` should have shown, but did not: removed elsewhere, or lost by a restart. */
export function removedJobs(
  known: readonly JobState[],
  views: readonly WireJobSummary[],
  hasMore: boolean,
): Set<string> {
  const seen = new Set(views.map(({ id }) => id));
  const oldest = hasMore ? Math.min(...views.map(({ created }) => created * 1000)) : Number.NEGATIVE_INFINITY;
  return new Set(known.filter(({ id, created }) => created > oldest && !seen.has(id)).map(({ id }) => id));
}
