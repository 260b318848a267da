/** What a person can do: run, cancel, again, remove, restore. Writes the signals of state.ts. */
import { computed, effect, untracked } from '@preact/signals';
import { ApiError } from './api.ts';
import { type Form, fieldsOf, missingInputs, type TabId, toBody, toForm } from './form.ts';
import { mergeHistory, removedJobs } from './history.ts';
import { isOver, type JobState, jobFromView, reduceJob } from './job-state.ts';
import { keepPicture } from './pictures.ts';
import * as state from './state.ts';
import type { WireEvent } from './wire.ts';
import { modeNames, statusLine } from './words.ts';

const pageOfHistory = 60;
const pauseBetweenLooks = 2_000;
/** Tells the other windows that the history has changed. */
const windows = new BroadcastChannel('duet-history');
let lastNotice = 0;
const pauseBeforeLooking = 4_000;
let lookingAgain: ReturnType<typeof setTimeout> | undefined;

export function notify(text: string, kind: state.Notice['kind'] = 'info'): void {
  const notice = { id: ++lastNotice, text, kind };
  state.notices.value = [...state.notices.value.slice(-2), notice];
  setTimeout(() => dismiss(notice.id), kind === 'error' ? 12_000 : 5_000);
}

export function dismiss(id: number): void {
  state.notices.value = state.notices.value.filter(notice => notice.id !== id);
}

/** Capabilities and history; again after a key was given or the server came back. */
export async function connect(): Promise<void> {
  try {
    state.capabilities.value = await state.api.capabilities();
    await readHistory();
    state.serverFault.value = null;
  } catch (error) {
    lose(toFault(error));
  }
}

/** The job on the stage, while it runs. It alone has a stream: a browser opens six connections for all windows together. */
const stagedId = computed(() => {
  const job = state.findJob(state.shownJobs.value[state.tab.value]);
  return job && !isOver(job) && !state.serverFault.value ? job.id : undefined;
});
const othersRun = computed(
  () => !state.serverFault.value && state.jobs.value.some(job => !isOver(job) && job.id !== stagedId.value),
);

/** Keeps the jobs up to date: those of this window, of other windows and of programs. */
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
  windows.onmessage = () => void refresh();
  document.addEventListener('visibilitychange', () => {
    if (!document.hidden) void refresh();
  });
}

export async function loadOlder(): Promise<void> {
  const { jobs: views, has_more: hasMore } = await state.api.jobs(pageOfHistory, state.jobs.value.at(-1)?.id);
  state.jobs.value = mergeHistory(state.jobs.value, views);
  state.moreJobs.value = hasMore;
}

async function refresh(): Promise<void> {
  if (state.serverFault.value || !state.historyLoaded.value) return;
  await readHistory().catch(error => noticeLoss(error));
}

/** The newest jobs as the server has them: new ones come, removed ones go, and those without a stream get up to date. */
async function readHistory(): Promise<void> {
  const before = state.jobs.value;
  const { jobs: views, has_more: hasMore } = await state.api.jobs(pageOfHistory);
  const removed = removedJobs(before, views, hasMore);
  const merged = mergeHistory(state.jobs.value, views, stagedId.value);
  state.jobs.value = merged.filter(({ id }) => !removed.has(id));
  if (state.historyLoaded.value) return;
  state.moreJobs.value = hasMore;
  state.historyLoaded.value = true;
  for (const job of merged.filter(found => !isOver(found))) {
    state.shownJobs.value = { [fieldsOf(job.mode).tab]: job.id, ...state.shownJobs.value };
  }
}

/** Applies a job's events, from its first one, until it is over; again where the connection was lost. */
async function stream(id: string, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    const job = state.findJob(id);
    if (job?.text) replace({ ...job, text: '' });
    try {
      for await (const event of state.api.events(id, signal)) apply(id, event);
      // Without an end of the job among them, the events were cut short.
      if (!signal.aborted) await lookUp(id);
    } catch (error) {
      if (!signal.aborted) if (!noticeLoss(error)) await refresh();
    }
    if (!signal.aborted) await new Promise(resolve => setTimeout(resolve, pauseBetweenLooks));
  }
}

async function lookUp(id: string): Promise<void> {
  replace(jobFromView(await state.api.job(id)));
}

/** Sends the tab's form, unless something is missing. */
export async function run(tab: TabId): Promise<void> {
  const form = state.forms.value[tab];
  if (missingInputs(form).length > 0 || state.serverFault.value) return;
  try {
    const view = await state.api.submit(toBody(form));
    state.jobs.value = mergeHistory(state.jobs.value, [view]);
    state.shownJobs.value = { ...state.shownJobs.value, [tab]: view.id };
    windows.postMessage(null);
  } catch (error) {
    report(error);
  }
}

export async function cancel(id: string): Promise<void> {
  await state.api.cancel(id).catch(report);
  await refresh();
}

export async function remove(id: string): Promise<void> {
  try {
    await state.api.remove(id);
    windows.postMessage(null);
    state.jobs.value = state.jobs.value.filter(job => job.id !== id);
    if (state.viewed.value?.jobId === id) state.viewed.value = null;
  } catch (error) {
    report(error);
  }
}

/** Puts a job's settings back into its tab, with the seed of one of its samples. */
export async function restore(job: JobState, seed: number | null): Promise<TabId> {
  const form = toForm({ ...job.request, mode: job.mode }, await givenPictures(job));
  return showForm({ ...form, seed });
}

export function showForm(form: Form): TabId {
  const { tab } = fieldsOf(form.mode);
  state.updateForm(tab, form);
  openTab(tab);
  return tab;
}

export function openTab(tab: TabId): void {
  state.tab.value = tab;
  state.viewed.value = null;
  scrollTo({ top: 0 });
  if (location.hash.slice(1) !== tab) history.replaceState(null, '', `#${tab}`);
}

/** The pictures that a job was given; null where they are no longer kept. */
async function givenPictures({ request }: JobState): Promise<Pick<Form, 'image' | 'image2' | 'mask'>> {
  const fetchPicture = async (name: string, url: string | undefined) =>
    url === undefined
      ? null
      : state.api.file(url).then(
          file => keepPicture(file, name),
          () => null,
        );
  const [image, image2, mask] = await Promise.all([
    fetchPicture('picture', request.image_url),
    fetchPicture('second picture', request.image2_url),
    fetchPicture('mask', request.mask_url),
  ]);
  return { image, image2, mask };
}

/** The same once more, or with a new seed. */
export async function again(job: JobState, seed: number | null): Promise<void> {
  const tab = await restore(job, seed);
  const missing = missingInputs(state.forms.value[tab]);
  if (missing.length > 0) notify('The settings are back. The picture is no longer kept: add it again.');
  else await run(tab);
}

function apply(id: string, event: WireEvent): void {
  const job = state.findJob(id);
  if (!job) return;
  const next = reduceJob(job, event);
  replace(next);
  if (isOver(next)) windows.postMessage(null);
  if (isOver(next) || event.type === 'queued') state.spoken.value = `${modeNames[next.mode]}: ${statusLine(next)}`;
}

function replace(next: JobState): void {
  state.jobs.value = state.jobs.value.map(job => (job.id === next.id ? next : job));
}

function report(error: unknown): void {
  if (noticeLoss(error)) return;
  const { code, message } = toFault(error);
  notify(code === 'queue_full' ? 'The queue is full. Try again in a moment.' : message, 'error');
}

/** Whether the error means that nothing can be asked of the server. */
function noticeLoss(error: unknown): boolean {
  const fault = toFault(error);
  const isLost = fault.status === 401 || fault.status === 0;
  if (isLost) lose(fault);
  return isLost;
}

/** Says that the server is away, and looks again soon where it may come back by itself. */
function lose(fault: ApiError): void {
  state.serverFault.value = fault;
  clearTimeout(lookingAgain);
  if (fault.status === 0 || fault.status === 503) lookingAgain = setTimeout(() => void connect(), pauseBeforeLooking);
}

function toFault(error: unknown): ApiError {
  if (error instanceof ApiError) return error;
  return new ApiError(-1, 'unexpected', `The page did not understand the server: ${String(error)}`, { cause: error });
}
