/** What the page shows, as signals: one place that components read, and the only one that actions write. */
import { computed, signal } from '@preact/signals';
import { type ApiError, createApi } from './api.ts';
import { emptyForm, type Form, type TabId } from './form.ts';
import { isOver, type JobState } from './job-state.ts';
import type { Capabilities } from './wire.ts';

export const tabIds = ['draw', 'describe', 'imagine', 'vary', 'inpaint'] as const satisfies readonly TabId[];

export const api = createApi(document.baseURI);

export const capabilities = signal<Capabilities | null>(null);
/** Why the server cannot be used at the moment. */
export const serverFault = signal<ApiError | null>(null);

export const tab = signal<TabId>(tabOfHash());

export const forms = signal<Readonly<Record<TabId, Form>>>({
  draw: emptyForm('draw'),
  describe: emptyForm('describe'),
  imagine: emptyForm('imagine'),
  vary: emptyForm('vary'),
  inpaint: emptyForm('inpaint'),
});

/** Every job the page knows, the newest first. */
export const jobs = signal<readonly JobState[]>([]);
/** Whether the server has older ones. */
export const moreJobs = signal(false);
export const historyLoaded = signal(false);

/** The job on each tab's stage. */
export const shownJobs = signal<Readonly<Partial<Record<TabId, string>>>>({});

/** The picture or caption that is open in the viewer. */
export const viewed = signal<{ readonly jobId: string; readonly index: number } | null>(null);

export interface Notice {
  readonly id: number;
  readonly text: string;
  readonly kind: 'info' | 'error';
}
export const notices = signal<readonly Notice[]>([]);

/** Spoken by screen readers, never seen. */
export const spoken = signal('');

export const busyCount = computed(() => jobs.value.filter(job => !isOver(job)).length);

/** As many as every route of the API gives at once, so that what the page does can be done by a program. */
export function mostSamples(): number {
  return Math.min(10, capabilities.value?.limits.n ?? 10);
}

export function tabOfHash(): TabId {
  const name = location.hash.slice(1);
  return tabIds.find(id => id === name) ?? 'draw';
}

export function updateForm(id: TabId, change: Partial<Form>): void {
  forms.value = { ...forms.value, [id]: { ...forms.value[id], ...change } };
}

export function findJob(id: string | undefined): JobState | undefined {
  return id === undefined ? undefined : jobs.value.find(job => job.id === id);
}
