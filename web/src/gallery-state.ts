/** What the gallery shows and what of it is selected, as signals. Written by gallery-actions.ts. */
import { computed, signal } from '@preact/signals';
import { entryKey, filteredRuns, type GalleryFilter, galleryRuns, noFilter } from './gallery-entries.ts';
import { jobs } from './state.ts';

export const filter = signal<GalleryFilter>(noFilter);
export const allRuns = computed(() => galleryRuns(jobs.value));
export const shownRuns = computed(() => filteredRuns(allRuns.value, filter.value));
export const shownEntries = computed(() => shownRuns.value.flatMap(({ entries }) => entries));

/** Whether a press on a picture selects it. */
export const isSelecting = signal(false);
export const selectedKeys = signal<ReadonlySet<string>>(new Set());
/** Where a range begins: what was pressed last. */
export const anchor = signal<string | null>(null);
/** Only what is in sight: nothing happens to what a filter hides. */
export const selection = computed(() => shownEntries.value.filter(entry => selectedKeys.value.has(entryKey(entry))));
/** What is being done with the selection, which lasts. */
export const working = signal<'deleting' | 'downloading' | 'marking' | null>(null);
