/** What can be done with the pictures that are selected. It stays in sight while they are looked through. */
import { useEffect, useRef } from 'preact/hooks';
import { deleteAll, downloadAll, endSelecting, markAll, select } from '../gallery-actions.ts';
import { entryKey, isFavourite } from '../gallery-entries.ts';
import { selection, shownEntries, working } from '../gallery-state.ts';
import { counted } from '../words.ts';
import { Icon } from './icons.tsx';
import { Removal } from './removal.tsx';

export function GallerySelection() {
  const chosen = selection.value;
  const bar = useRef<HTMLElement>(null);
  const { length: count } = chosen;
  const isIdle = working.value === null;
  const favourites = chosen.filter(isFavourite).length;
  const isStarred = count > 0 && favourites === count;
  // What had the focus goes with what is deleted.
  useEffect(() => {
    if (count === 0 && document.activeElement === document.body) bar.current?.focus();
  }, [count]);
  return (
    <section ref={bar} class="selection" aria-label="Selection" tabIndex={-1}>
      <p class="selection-count" role="status">
        {count === 0 ? 'Select what to keep, save or delete' : `${count} selected`}
      </p>
      <div class="selection-range">
        <button
          type="button"
          class="quiet"
          disabled={count === shownEntries.value.length}
          onClick={() => select(shownEntries.value)}
        >
          All {shownEntries.value.length}
        </button>
        <button type="button" class="quiet" disabled={count === 0} onClick={() => select([])}>
          None
        </button>
      </div>
      <fieldset class="selection-acts" disabled={count === 0 || !isIdle}>
        <legend class="unseen">With the selection</legend>
        <button
          type="button"
          class="quiet star"
          aria-pressed={isStarred}
          onClick={() => void markAll(chosen, !isStarred)}
        >
          <Icon name="star" /> Favourite
        </button>
        <button type="button" class="quiet" onClick={() => void downloadAll(chosen)}>
          <Icon name="download" /> {working.value === 'downloading' ? 'Collecting' : 'Download'}
        </button>
        <Removal
          key={chosen.map(entryKey).join()}
          name="Delete"
          really={`Delete ${counted(count, 'item')}${favourites > 0 ? `, ${counted(favourites, 'favourite')} among them` : ''}`}
          onRemove={() => void deleteAll(chosen)}
        />
      </fieldset>
      <button type="button" onClick={endSelecting}>
        Done
      </button>
    </section>
  );
}
