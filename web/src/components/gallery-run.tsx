/** A run in the gallery: what it was, with a link to it, and what it made. */
import { titleOf } from '../calls.ts';
import { press, toggle } from '../gallery-actions.ts';
import { entryKey, type GalleryEntry, type GalleryRun, isFavourite } from '../gallery-entries.ts';
import { isSelecting, selectedKeys } from '../gallery-state.ts';
import { askedWords } from '../job-state.ts';
import { view } from '../navigation.ts';
import { capabilities } from '../state.ts';
import { counted, whenMade } from '../words.ts';
import { FavouriteStar } from './favourite-star.tsx';
import { Picture } from './picture.tsx';
import { altOf, Tile } from './tile.tsx';

export function GalleryRunItem({ run }: { run: GalleryRun }) {
  const { job, entries } = run;
  return (
    <>
      <RunHead run={run} />
      <ul class="run-entries">
        {entries.map(entry => (
          <li key={entryKey(entry)} class={isFavourite(entry) ? 'entry is-favourite' : 'entry'}>
            {isSelecting.value ? <Selectable entry={entry} /> : <Shown entry={entry} />}
            {entry.kind === 'frames' && <span class="badge">{job.samples.length} frames</span>}
          </li>
        ))}
      </ul>
    </>
  );
}

function RunHead({ run: { job, entries } }: { run: GalleryRun }) {
  const title = titleOf(job.mode, capabilities.value);
  const words = [askedWords(job), job.request.prompt2].filter(Boolean).join(' → ');
  const [first] = entries;
  const count = entries.length > 1 ? [counted(entries.length, 'picture')] : [];
  const isAllIn = entries.every(entry => selectedKeys.value.has(entryKey(entry)));
  const isSomeIn = entries.some(entry => selectedKeys.value.has(entryKey(entry)));
  const open = (event: MouseEvent) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    if (first) view({ jobId: job.id, index: first.index });
  };
  return (
    <div class="run-head">
      {isSelecting.value && entries.length > 1 && (
        <input
          type="checkbox"
          aria-label={`All of ${words || title}`}
          checked={isAllIn}
          indeterminate={isSomeIn && !isAllIn}
          onClick={() => toggle(entries, !isAllIn)}
        />
      )}
      <h3>
        <a href={`/#job/${job.id}`} title={words || title} onClick={open}>
          {words || title}
        </a>
      </h3>
      <p>
        {[...(words ? [title] : []), ...count].map(fact => (
          <span key={fact}>{fact} · </span>
        ))}
        <time dateTime={new Date(job.created).toISOString()}>{whenMade(job.created, Date.now())}</time>
      </p>
    </div>
  );
}

function Shown({ entry }: { entry: GalleryEntry }) {
  const { job, index, kind } = entry;
  return (
    <>
      {kind === 'words' ? (
        <button
          type="button"
          class="tile words-tile"
          aria-label={nameOf(entry)}
          onClick={() => view({ jobId: job.id, index })}
        >
          <Words entry={entry} />
        </button>
      ) : (
        <Tile job={job} index={index} alt={altOf(job, index)} />
      )}
      <FavouriteStar entry={entry} class="on-tile" />
    </>
  );
}

/** A press anywhere on it selects it. */
function Selectable({ entry }: { entry: GalleryEntry }) {
  const { job, index, kind } = entry;
  const { url } = job.samples[index] ?? {};
  const isIn = selectedKeys.value.has(entryKey(entry));
  return (
    <label class={`tile is-selectable${kind === 'words' ? ' words-tile' : ''}${isIn ? ' is-selected' : ''}`}>
      <input
        type="checkbox"
        aria-label={nameOf(entry)}
        checked={isIn}
        onClick={event => press(entry, event.shiftKey)}
      />
      {kind === 'words' ? <Words entry={entry} /> : url && <Picture url={url} alt="" />}
    </label>
  );
}

function Words({ entry: { job } }: { entry: GalleryEntry }) {
  const caption = job.samples[0]?.caption ?? '';
  const { image_url: about } = job.request;
  return (
    <>
      {about && <Picture url={about} alt="" />}
      <span class={about ? 'tile-label' : 'caption'}>{caption}</span>
    </>
  );
}

function nameOf({ job, index, kind }: GalleryEntry): string {
  if (kind !== 'words') return altOf(job, index);
  return `${titleOf(job.mode, capabilities.value)}: ${job.samples[0]?.caption ?? ''}`;
}
