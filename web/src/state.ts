/** What the page shows, as signals: one place that components read, and the only one that actions write. */
import { computed, signal } from '@preact/signals';
import { type ApiError, createApi } from './api.ts';
import { type TabId, tabsOf } from './calls.ts';
import { callOf, type Form, type FormCall } from './form.ts';
import { isOver, type JobState } from './job-state.ts';
import { createFormKeeper } from './kept-forms.ts';
import { showsCode, tab, viewed } from './navigation.ts';
import type { Shown } from './standing.ts';
import type { Capabilities, WireCall } from './wire.ts';

export const api = createApi(location.origin);

export const capabilities = signal<Capabilities | null>(null);
/** Why the server cannot be used at the moment. */
export const serverFault = signal<ApiError | null>(null);

/** What the model has something for. */
export const shownTabs = computed(() => (capabilities.value ? tabsOf(capabilities.value) : []));
/** The tab of the address, if the model has it. */
export const shownTab = computed(() => {
  const [first = tab.value] = shownTabs.value;
  return shownTabs.value.includes(tab.value) ? tab.value : first;
});

/** Whether it makes anything that the gallery shows. */
export const keepsResults = computed(() => {
  const { calls = {}, dialogue } = capabilities.value ?? {};
  return Object.values(calls).some(({ makes }) => makes !== 'answer') || dialogue?.draws !== false;
});

export const formKeeper = createFormKeeper(() => sessionStorage);
export const forms = signal<Readonly<Record<TabId, Form>>>(formKeeper.forms);
/** The job on each tab's stage. */
export const shownJobs = signal<Readonly<Partial<Record<TabId, Shown>>>>(formKeeper.shown);
/** Tabs whose form is on its way to the server. */
export const sending = signal<ReadonlySet<TabId>>(new Set());

/** Every job the page knows, the newest first. */
export const jobs = signal<readonly JobState[]>([]);
/** Jobs that were sought and that the server does not have any more. */
export const goneJobs = signal<ReadonlySet<string>>(new Set());
/** The oldest job that was listed, if the server has older ones. */
export const olderThan = signal<string | null>(null);
export const historyLoaded = signal(false);

/** Spoken by screen readers, never seen. */
export const spoken = signal('');

export const busyCount = computed(() => jobs.value.filter(job => !isOver(job)).length);

export function updateForm(id: TabId, change: Partial<Form>): void {
  forms.value = { ...forms.value, [id]: { ...forms.value[id], ...change } };
}

/** The call that a tab's form makes; undefined if the model has nothing for the tab, or is not known yet. */
export function formCallOf(id: TabId): FormCall | undefined {
  return capabilities.value ? callOf(id, forms.value[id], capabilities.value) : undefined;
}

/** What the server says of a mode. */
export function knownCall(mode: string): WireCall | undefined {
  return capabilities.value?.calls[mode];
}

export function findJob(id: string | undefined): JobState | undefined {
  return id === undefined ? undefined : jobs.value.find(job => job.id === id);
}

/** What the viewer shows; undefined while it is closed, or the job is not known yet. */
export const viewedJob = computed(() => findJob(viewed.value?.jobId));
/** Whether a dialog lies over the page. */
export const isCovered = computed(() => showsCode.value || viewedJob.value !== undefined);
