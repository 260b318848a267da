/** What a person can do: run, cancel, again, remove, restore. Writes the signals of state.ts. */
import { ApiError } from './api.ts';
import { type Form, fieldsOf, missingInputs, type TabId, toBody, toForm } from './form.ts';
import { isOver, type JobState, jobFromView, reduceJob } from './job-state.ts';
import { keepPicture } from './pictures.ts';
import * as state from './state.ts';
import type { WireEvent } from './wire.ts';
import { modeNames, statusLine } from './words.ts';

const pageOfHistory = 60;
const followed = new Set<string>();
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
    await loadHistory();
    state.serverFault.value = null;
  } catch (error) {
    lose(toFault(error));
  }
}

export async function loadHistory(before?: string): Promise<void> {
  const { jobs: views, has_more: hasMore } = await state.api.jobs(pageOfHistory, before);
  const known = new Set(state.jobs.value.map(job => job.id));
  const older = views.map(jobFromView).filter(job => !known.has(job.id));
  state.jobs.value = [...state.jobs.value, ...older].sort((a, b) => b.created - a.created);
  state.moreJobs.value = hasMore;
  state.historyLoaded.value = true;
  for (const job of older.filter(found => !isOver(found))) {
    state.shownJobs.value = { [fieldsOf(job.mode).tab]: job.id, ...state.shownJobs.value };
    void follow(job.id);
  }
}

/** Sends the tab's form, unless something is missing. */
export async function run(tab: TabId): Promise<void> {
  const form = state.forms.value[tab];
  if (missingInputs(form).length > 0 || state.serverFault.value) return;
  try {
    const job = jobFromView(await state.api.submit(toBody(form)));
    state.jobs.value = [job, ...state.jobs.value];
    state.shownJobs.value = { ...state.shownJobs.value, [tab]: job.id };
    void follow(job.id);
  } catch (error) {
    report(error);
  }
}

export async function cancel(id: string): Promise<void> {
  await state.api.cancel(id).catch(report);
}

export async function remove(id: string): Promise<void> {
  try {
    await state.api.remove(id);
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

/** Keeps a job up to date from its events, across lost connections, until it is over. */
async function follow(id: string): Promise<void> {
  if (followed.has(id)) return;
  followed.add(id);
  const abort = new AbortController();
  let after = '';
  for (let failures = 0; failures < 6; failures++) {
    try {
      for await (const { id: eventId, event } of state.api.events(id, after, abort.signal)) {
        if (eventId) after = eventId;
        failures = 0;
        apply(id, event);
      }
      const job = state.findJob(id);
      if (!job || isOver(job)) break;
    } catch (error) {
      if (error instanceof ApiError && error.status >= 400 && error.status < 500) break;
    }
    await new Promise(resolve => setTimeout(resolve, 500 * 2 ** failures));
  }
  followed.delete(id);
  await settle(id);
}

/** After the events have ended: the server's own word, where they were not enough. */
async function settle(id: string): Promise<void> {
  const job = state.findJob(id);
  if (!job || isOver(job)) return;
  try {
    replace(jobFromView(await state.api.job(id)));
  } catch (error) {
    const { code, message } = toFault(error);
    apply(id, { type: 'failed', error: { code, message } });
  }
}

function apply(id: string, event: WireEvent): void {
  const job = state.findJob(id);
  if (!job) return;
  const next = reduceJob(job, event);
  replace(next);
  if (isOver(next) || event.type === 'queued') state.spoken.value = `${modeNames[next.mode]}: ${statusLine(next)}`;
}

function replace(next: JobState): void {
  state.jobs.value = state.jobs.value.map(job => (job.id === next.id ? next : job));
}

function report(error: unknown): void {
  const fault = toFault(error);
  if (fault.status === 401 || fault.status === 0) lose(fault);
  else notify(fault.code === 'queue_full' ? 'The queue is full. Try again in a moment.' : fault.message, 'error');
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
