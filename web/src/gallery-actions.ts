/** What a person can do in the gallery: find, select, mark, download, delete. Writes the signals of gallery-state.ts. */
import { downloadZip } from 'client-zip';
import { report } from './faults.ts';
import { deletionsOf, entriesBetween, entryKey, type GalleryEntry, isFavourite } from './gallery-entries.ts';
import { type GalleryFile, galleryFiles } from './gallery-files.ts';
import * as gallery from './gallery-state.ts';
import { mergeHistory } from './history.ts';
import { forgetShown, loadOlder, refresh, tellWindows } from './job-feed.ts';
import { closeOverlay, view, viewed } from './navigation.ts';
import { notify } from './notices.ts';
import { save } from './save-file.ts';
import * as state from './state.ts';

export function beginSelecting(): void {
  gallery.isSelecting.value = true;
  select([]);
}

export function endSelecting(): void {
  gallery.isSelecting.value = false;
  select([]);
}

export function select(entries: readonly GalleryEntry[]): void {
  gallery.selectedKeys.value = new Set(entries.map(entryKey));
  gallery.anchor.value = null;
}

/** Takes entries into the selection, or all of them out of it. */
export function toggle(entries: readonly GalleryEntry[], isIn: boolean): void {
  const keys = new Set(gallery.selectedKeys.value);
  for (const key of entries.map(entryKey)) {
    if (isIn) keys.add(key);
    else keys.delete(key);
  }
  gallery.selectedKeys.value = keys;
}

/** One entry; with `isRange` all from the one that was pressed before. */
export function press(entry: GalleryEntry, isRange: boolean): void {
  const key = entryKey(entry);
  const isIn = !gallery.selectedKeys.value.has(key);
  toggle(isRange ? entriesBetween(gallery.shownEntries.value, gallery.anchor.value, key) : [entry], isIn);
  gallery.anchor.value = key;
}

/** Looks further back until there is something more to show, or nothing older. */
export async function findOlder(): Promise<void> {
  const before = gallery.shownEntries.value.length;
  try {
    do await loadOlder();
    while (state.olderThan.value !== null && gallery.shownEntries.value.length <= before);
  } catch (error) {
    report(error);
  }
}

export function markAll(entries: readonly GalleryEntry[], favourite: boolean): Promise<void> {
  return working('marking', async () => {
    for (const entry of entries.filter(found => isFavourite(found) !== favourite)) {
      const job = await state.api.markSample(entry.job.id, entry.index, favourite);
      state.jobs.value = mergeHistory(state.jobs.value, [job]);
    }
  });
}

/** Deletes what the entries show; the viewer goes on to what comes behind them. */
export function deleteAll(entries: readonly GalleryEntry[]): Promise<void> {
  return working('deleting', async () => {
    const next = nextInViewer(entries);
    for (const { jobId, index } of deletionsOf(entries)) {
      if (index === null) await state.api.remove(jobId);
      else await state.api.removePicture(jobId, index);
      if (index === null) forgetShown(jobId);
      state.jobs.value = state.jobs.value.flatMap(job => {
        if (job.id !== jobId) return [job];
        if (index === null) return [];
        const { url: _url, favourite: _favourite, ...rest } = job.samples[index]!;
        return [{ ...job, samples: job.samples.with(index, { ...rest, removed: true }) }];
      });
    }
    if (next === null) closeOverlay();
    else if (next) view({ jobId: next.job.id, index: next.index });
  });
}

/** What the viewer shows after a deletion; null where it is to close, undefined where it stays as it is. */
function nextInViewer(deleted: readonly GalleryEntry[]): GalleryEntry | null | undefined {
  const at = viewed.value;
  const isViewed = ({ job, index, kind }: GalleryEntry) =>
    job.id === at?.jobId && (index === at.index || kind !== 'picture');
  if (!deleted.some(isViewed)) return undefined;
  const keys = new Set(deleted.map(entryKey));
  const shown = gallery.shownEntries.value;
  const place = shown.findIndex(isViewed);
  const isLeft = (entry: GalleryEntry) => !keys.has(entryKey(entry));
  if (place < 0) return null;
  return shown.slice(place).find(isLeft) ?? shown.slice(0, place).findLast(isLeft) ?? null;
}

/** One file as it is, several in an archive. */
export function downloadAll(entries: readonly GalleryEntry[]): Promise<void> {
  return working('downloading', async () => {
    const files = galleryFiles(entries);
    const gone: string[] = [];
    const contents = async function* () {
      for (const file of files) {
        const input = await contentOf(file);
        if (input) yield { name: file.name, input };
        else gone.push(file.name);
      }
    };
    if (files.length === 1) for await (const { name, input } of contents()) save(input, name);
    else {
      const archive = await downloadZip(contents()).blob();
      if (gone.length < files.length) save(archive, `duet-${files.length - gone.length}-files.zip`);
    }
    if (gone.length > 0) notify(`No longer kept: ${gone.join(', ')}.`);
  });
}

async function contentOf(file: GalleryFile): Promise<Blob | undefined> {
  return 'text' in file ? new Blob([file.text], { type: 'text/plain' }) : state.api.fileOrGone(file.url);
}

const works = { last: Promise.resolve() };

/** One thing after the other; the other windows look again when it is done, or as far as it came. */
function working(name: NonNullable<typeof gallery.working.value>, act: () => Promise<void>): Promise<void> {
  works.last = works.last.then(() => work(name, act));
  return works.last;
}

async function work(name: NonNullable<typeof gallery.working.value>, act: () => Promise<void>): Promise<void> {
  gallery.working.value = name;
  try {
    await act();
  } catch (error) {
    report(error);
    void refresh(); // what was to be changed may be gone
  } finally {
    gallery.working.value = null;
    if (name !== 'downloading') tellWindows();
  }
}
