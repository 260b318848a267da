/** Everything that was made, from the server's history: run by run, filtered, selected. */
import { useSignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { endSelecting, findOlder, select } from '../gallery-actions.ts';
import { isFiltering, noFilter } from '../gallery-entries.ts';
import * as gallery from '../gallery-state.ts';
import { restoreFromFile } from '../restore-file.ts';
import { historyLoaded, isCovered, jobs, olderThan, shownTab } from '../state.ts';
import { counted } from '../words.ts';
import { GalleryFilterFields, SelectButton } from './gallery-filter.tsx';
import { GalleryRunItem } from './gallery-run.tsx';
import { GallerySelection } from './gallery-selection.tsx';
import { Icon } from './icons.tsx';

export function Gallery() {
  const runs = gallery.shownRuns.value;
  const isSelecting = gallery.isSelecting.value;
  useKeys(isSelecting);
  return (
    <section class="gallery" aria-labelledby="gallery-title">
      <div class="gallery-head">
        <h2 id="gallery-title">Gallery</h2>
        <OpenPicture />
      </div>
      {gallery.allRuns.value.length > 0 && (
        <div class="gallery-tools">
          <GalleryFilterFields />
          <SelectButton />
        </div>
      )}
      {runs.length === 0 ? (
        <Nothing />
      ) : (
        <ul class={isSelecting ? 'runs is-selecting' : 'runs'}>
          {runs.map(run => (
            <li key={run.job.id} class="run">
              <GalleryRunItem run={run} />
            </li>
          ))}
        </ul>
      )}
      <Older />
      {isSelecting && <GallerySelection />}
    </section>
  );
}

/** While selecting, Escape ends it, and Control with A selects all, unless a field has the focus. */
function useKeys(isSelecting: boolean): void {
  useEffect(() => {
    if (!isSelecting) return;
    const onKeyDown = (event: KeyboardEvent) => {
      if (event.defaultPrevented || isCovered.value) return;
      const isAll = event.key === 'a' && (event.ctrlKey || event.metaKey);
      const isWriting = event.target instanceof Element && event.target.matches('textarea, input:not([type=checkbox])');
      if (isAll && !isWriting) select(gallery.shownEntries.value);
      else if (event.key === 'Escape') endSelecting();
      else return;
      event.preventDefault();
    };
    addEventListener('keydown', onKeyDown);
    return () => removeEventListener('keydown', onKeyDown);
  }, [isSelecting]);
}

function Nothing() {
  const filter = gallery.filter.value;
  if (!historyLoaded.value) return <p class="gallery-empty">Looking for earlier pictures</p>;
  if (!isFiltering(filter)) {
    const start = shownTab.value === 'chat' ? 'Ask for a picture above' : 'Make something with the form above';
    return <p class="gallery-empty">{start}: it comes here and is kept, also over a reload.</p>;
  }
  const isForStar = filter.onlyFavourites && filter.words.trim() === '' && filter.mode === null;
  return (
    <div class="gallery-empty">
      <p>
        {isForStar
          ? 'No favourites yet. Press the star on a picture: favourites are kept when others go.'
          : 'Nothing like that. Try other words, or see all again.'}
      </p>
      <button type="button" onClick={() => (gallery.filter.value = noFilter)}>
        Show all
      </button>
    </div>
  );
}

/** The server gives its history in pages: a filter sees those that were read. */
function Older() {
  const isLooking = useSignal(false);
  if (olderThan.value === null) return null;
  const isFiltered = isFiltering(gallery.filter.value);
  const look = async () => {
    isLooking.value = true;
    await findOlder();
    isLooking.value = false;
  };
  return (
    <div class="gallery-more">
      {isFiltered && <p class="hint">Found among the latest {counted(jobs.value.length, 'run')}.</p>}
      <button type="button" disabled={isLooking.value} onClick={() => void look()}>
        {isFiltered ? 'Look further back' : 'Show older'}
      </button>
    </div>
  );
}

/** What dropping a picture on the page does, for the keyboard and for phones. */
function OpenPicture() {
  const input = useRef<HTMLInputElement>(null);
  return (
    <>
      <input
        ref={input}
        class="unseen"
        type="file"
        accept="image/png,image/jpeg,image/webp"
        tabIndex={-1}
        aria-hidden="true"
        onChange={event => {
          const file = event.currentTarget.files?.[0];
          event.currentTarget.value = '';
          if (file) void restoreFromFile(file);
        }}
      />
      <button type="button" class="quiet is-end" onClick={() => input.current?.click()}>
        <Icon name="settings" /> Settings from a picture
      </button>
    </>
  );
}
