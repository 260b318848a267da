/**
 * The history as the gallery shows it: runs, each with an entry per picture, or one for all captions of a picture and all frames
 * of a mix; which of them a filter leaves; and what deleting some of them means. Pure.
 */
import { askedWords, type JobState } from './job-state.ts';

export interface GalleryEntry {
  readonly job: JobState;
  /** The sample shown. */
  readonly index: number;
  readonly kind: 'picture' | 'words' | 'frames';
}

/** A job with what it has made. */
export interface GalleryRun {
  readonly job: JobState;
  readonly entries: readonly GalleryEntry[];
}

export interface GalleryFilter {
  /** A mode, or all. */
  readonly mode: string | null;
  readonly onlyFavourites: boolean;
  /** What prompt or caption contains, in any case. */
  readonly words: string;
}

export const noFilter: GalleryFilter = { mode: null, onlyFavourites: false, words: '' };

export function entryKey({ job, index }: GalleryEntry): string {
  return `${job.id}-${index}`;
}

export function isFavourite({ job, index }: GalleryEntry): boolean {
  return job.samples[index]?.favourite ?? false;
}

export function galleryRuns(jobs: readonly JobState[]): GalleryRun[] {
  return jobs.map(job => ({ job, entries: entriesOf(job) })).filter(({ entries }) => entries.length > 0);
}

export function galleryEntries(jobs: readonly JobState[]): GalleryEntry[] {
  return jobs.flatMap(entriesOf);
}

function entriesOf(job: JobState): GalleryEntry[] {
  if (job.samples.every(({ removed }) => removed)) return [];
  if (job.mode === 'interpolate') return [{ job, index: 0, kind: 'frames' }];
  const pictured = job.samples.flatMap(({ url }, index): GalleryEntry[] =>
    url ? [{ job, index, kind: 'picture' }] : [],
  );
  return pictured.length > 0 ? pictured : [{ job, index: 0, kind: 'words' }];
}

export function isFiltering({ mode, onlyFavourites, words }: GalleryFilter): boolean {
  return mode !== null || onlyFavourites || words.trim() !== '';
}

/** Runs with those of their entries that the filter leaves. */
export function filteredRuns(runs: readonly GalleryRun[], filter: GalleryFilter): readonly GalleryRun[] {
  if (!isFiltering(filter)) return runs;
  const sought = folded(filter.words.trim());
  const isLeft = (entry: GalleryEntry) =>
    (!filter.onlyFavourites || isFavourite(entry)) && wordsOf(entry).some(text => folded(text).includes(sought));
  return runs
    .filter(({ job }) => filter.mode === null || job.mode === filter.mode)
    .map(({ job, entries }) => ({ job, entries: entries.filter(isLeft) }))
    .filter(({ entries }) => entries.length > 0);
}

/** What a person asked for, and what the model wrote to it. */
function wordsOf({ job, index, kind }: GalleryEntry): readonly string[] {
  const samples = kind === 'words' ? job.samples : job.samples.slice(index, index + 1);
  const captions = samples.flatMap(({ caption }) => caption ?? []);
  return [askedWords(job) ?? '', job.request.prompt2 ?? '', ...captions];
}

/** Without case and accents, as people search. */
function folded(text: string): string {
  return text.normalize('NFD').replaceAll(/\p{M}/gu, '').toLowerCase();
}

/** A job that goes whole, or one of its pictures. */
export type Deletion = { readonly jobId: string; readonly index: number | null };

/**
 * What is to be deleted so that these entries are gone. A job of which nothing else is left goes whole, but for answers of
 * dialogues: their words and the pictures that were given stay.
 */
export function deletionsOf(entries: readonly GalleryEntry[]): readonly Deletion[] {
  return [...new Set(entries.map(({ job }) => job))].flatMap((job): readonly Deletion[] => {
    const chosen = entries.filter(entry => entry.job === job);
    const isWhole = chosen.length === entriesOf(job).length && job.dialogue === null;
    if (isWhole) return [{ jobId: job.id, index: null }];
    return chosen.map(({ index }) => ({ jobId: job.id, index }));
  });
}

/** The entries from one to another, in whichever order; `to` alone if `from` is not among them. */
export function entriesBetween(entries: readonly GalleryEntry[], from: string | null, to: string): GalleryEntry[] {
  const places = [from, to].map(key => entries.findIndex(entry => entryKey(entry) === key));
  const [a = -1, b = -1] = places[0] === -1 ? [places[1], places[1]] : places;
  return b < 0 ? [] : entries.slice(Math.min(a, b), Math.max(a, b) + 1);
}
