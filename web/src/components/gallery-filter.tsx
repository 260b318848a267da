/** What of the gallery is shown: by words, by what made it, or favourites alone; and the way into selecting. */
import { titleOf } from '../calls.ts';
import { beginSelecting, endSelecting } from '../gallery-actions.ts';
import { allRuns, filter, isSelecting } from '../gallery-state.ts';
import { capabilities } from '../state.ts';
import { Icon } from './icons.tsx';

export function GalleryFilterFields() {
  const { mode, onlyFavourites, words } = filter.value;
  const modes = [...new Set([...allRuns.value.map(({ job }) => job.mode), ...(mode === null ? [] : [mode])])];
  return (
    <>
      <label class="search">
        <span class="unseen">Search in prompts and captions</span>
        <Icon name="search" />
        <input
          type="search"
          placeholder="Search"
          value={words}
          onInput={event => (filter.value = { ...filter.value, words: event.currentTarget.value })}
        />
      </label>
      {modes.length > 1 && (
        <select
          aria-label="Made by"
          value={mode ?? ''}
          onChange={event => (filter.value = { ...filter.value, mode: event.currentTarget.value || null })}
        >
          <option value="">Everything</option>
          {modes.map(name => (
            <option key={name} value={name}>
              {titleOf(name, capabilities.value)}
            </option>
          ))}
        </select>
      )}
      <button
        type="button"
        class="star"
        aria-pressed={onlyFavourites}
        onClick={() => (filter.value = { ...filter.value, onlyFavourites: !onlyFavourites })}
      >
        <Icon name="star" /> Favourites
      </button>
    </>
  );
}

export function SelectButton() {
  const isOn = isSelecting.value;
  return (
    <button type="button" class="is-last" aria-pressed={isOn} onClick={isOn ? endSelecting : beginSelecting}>
      <Icon name="select" /> Select
    </button>
  );
}
