/** Keeps the jobs that the page knows up to date: those of this window, of other windows and of programs. */
import { computed, effect, untracked } from '@preact/signals';
import { ApiError } from './api.ts';
import { tabOf, titleOf } from './calls.ts';
import { noticeLoss, report } from './faults.ts';
import { mergeHistory, removedJobs } from './history.ts';
import { isOver, type JobState, jobFromView, reduceJob } from './job-state.ts';
import { closeOverlay, viewed } from './navigation.ts';
import { notify } from './notices.ts';
import * as state from './state.ts';
import type { WireEvent } from './wire.ts';
import { statusLine } from './words.ts';

const pageOfHistory = 60;
const pauseBetweenLooks = 2_000;
const windows = new BroadcastChannel('duet-history');

/** Notifies the other windows that the history has changed. */
export function tellWindows(): void {
  windows.postMessage(null);
}

/** The job on the stage, while it runs. It alone has a stream: a browser opens six connections for all windows together. */
const stagedId = computed(() => {
  const job = state.findJob(state.shownJobs.value[state.shownTab.value]?.id);
  return job && !isOver(job) && !state.serverFault.value ? job.id : undefined;
});
const othersRun = computed(
  () => !state.serverFault.value && state.jobs.value.some(job => !isOver(job) && job.id !== stagedId.value),
);
/** Jobs that an address or a stage names, older than those that were listed, or of which a list did not tell how they ended. */
const unknownIds = computed(() => {
  if (!state.historyLoaded.value) return [];
  const shown = Object.values(state.shownJobs.value).map(({ id }) => id);
  const named = viewed.value ? [viewed.value.jobId, ...shown] : shown;
  const isMissing = (job: JobState | undefined) => !job || (isOver(job) && !job.isWhole);
  return named.filter(id => isMissing(state.findJob(id)));
});

export function watchJobs(): void {
  effect(() => {
    const id = stagedId.value;
    if (id === undefined) return;
    const abort = new AbortController();
    void untracked(() => stream(id, abort.signal));
    return () => abort.abort();
  });
  effect(() => {
    if (!othersRun.value) return;
    const timer = setInterval(() => void refresh(), pauseBetweenLooks);
    return () => clearInterval(timer);
  });
  const sought = new Set<string>();
  effect(() => {
    for (const id of unknownIds.value.filter(name => !sought.has(name))) {
      sought.add(id);
      void untracked(() => seek(id)).finally(() => sought.delete(id));
    }
  });
  windows.onmessage = () => void refresh();
  document.addEventListener('visibilitychange', () => {
    if (!document.hidden) void refresh();
  });
}

export async function loadOlder(): Promise<void> {
  if (state.olderThan.value === null) return;
  const { jobs: views, has_more: hasMore } = await state.api.jobs(pageOfHistory, state.olderThan.value);
  state.jobs.value = mergeHistory(state.jobs.value, views);
  state.olderThan.value = hasMore ? (views.at(-1)?.id ?? null) : null;
}

export async function refresh(): Promise<void> {
  if (state.serverFault.value || !state.historyLoaded.value) return;
  await readHistory().catch(error => noticeLoss(error));
}

/** The newest jobs as the server has them: new ones come, removed ones go, and those without a stream get up to date. */
export async function readHistory(): Promise<void> {
  const before = state.jobs.value;
  const { jobs: views, has_more: hasMore } = await state.api.jobs(pageOfHistory);
  const removed = removedJobs(before, views, hasMore);
  const merged = mergeHistory(state.jobs.value, views, stagedId.value);
  state.jobs.value = merged.filter(({ id }) => !removed.has(id));
  if (state.historyLoaded.value) return;
  state.olderThan.value = hasMore ? (views.at(-1)?.id ?? null) : null;
  for (const job of merged.filter(found => !isOver(found))) {
    const call = state.knownCall(job.mode);
    const tab = call && tabOf(call);
    // What the Chat tab follows, its conversation says.
    if (tab && tab !== 'chat')
      state.shownJobs.value = { [tab]: { id: job.id, pictures: {} }, ...state.shownJobs.value };
  }
  state.historyLoaded.value = true;
}

/** Applies the events of a job, from the first one, until it has ended; starts again after the connection was lost. */
async function stream(id: string, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    const job = state.findJob(id);
    if (job?.text) replace({ ...job, text: '' });
    try {
      for await (const event of state.api.events(id, signal)) apply(id, event);
      // A stream that ends without the last event of the job was interrupted.
      if (!signal.aborted) replace(jobFromView(await state.api.job(id)));
    } catch (error) {
      if (!signal.aborted) if (!noticeLoss(error)) await refresh();
    }
    if (!signal.aborted) await new Promise(resolve => setTimeout(resolve, pauseBetweenLooks));
  }
}

/** Fetches a job that an address or a stage names; if the server no longer has it, removes it from there. */
async function seek(id: string): Promise<void> {
  try {
    state.jobs.value = mergeHistory(state.jobs.value, [await state.api.job(id)]);
  } catch (error) {
    if (!(error instanceof ApiError && (error.status === 404 || error.status === 410))) return report(error);
    forgetShown(id);
    if (viewed.value?.jobId !== id) return;
    closeOverlay();
    notify('What this address leads to is no longer kept.');
  }
}

/** All of a job of which a list told a part. @throws ApiError */
export async function wholeJob(job: JobState): Promise<JobState> {
  if (job.isWhole) return job;
  state.jobs.value = mergeHistory(state.jobs.value, [await state.api.job(job.id)]);
  return state.findJob(job.id) ?? job;
}

/** Removes a job that the server does not have any more from the stages. */
export function forgetShown(id: string): void {
  state.goneJobs.value = new Set([...state.goneJobs.value, id]);
  const others = Object.entries(state.shownJobs.value).filter(([, shown]) => shown.id !== id);
  state.shownJobs.value = Object.fromEntries(others);
}

function apply(id: string, event: WireEvent): void {
  const job = state.findJob(id);
  if (!job) return;
  const next = reduceJob(job, event);
  replace(next);
  if (event.type === 'cancelled') keepUnfinished(next);
  if (isOver(next)) tellWindows();
  if (isOver(next) || event.type === 'queued') {
    state.spoken.value = `${titleOf(next.mode, state.capabilities.value)}: ${statusLine(next)}`;
  }
}

/** How far the pictures had come that were not finished, which the server does not keep. */
function keepUnfinished({ id, previews }: JobState): void {
  const unfinished = previews.filter(url => url !== undefined);
  const [tab, shown] = Object.entries(state.shownJobs.value).find(([, job]) => job.id === id) ?? [];
  if (!tab || !shown || unfinished.length === 0) return;
  state.shownJobs.value = { ...state.shownJobs.value, [tab]: { ...shown, unfinished } };
}

function replace(next: JobState): void {
  state.jobs.value = state.jobs.value.map(job => (job.id === next.id ? next : job));
}
