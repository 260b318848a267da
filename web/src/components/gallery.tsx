/** Everything that was made, from the server's history. */
import { useSignal } from '@preact/signals';
import { useRef } from 'preact/hooks';
import { titleOf } from '../calls.ts';
import { report } from '../faults.ts';
import { type GalleryEntry, galleryEntries } from '../gallery-entries.ts';
import { loadOlder } from '../job-feed.ts';
import { view } from '../navigation.ts';
import { restoreFromFile } from '../restore-file.ts';
import { capabilities, historyLoaded, jobs, olderThan } from '../state.ts';
import { Icon } from './icons.tsx';
import { Picture } from './picture.tsx';
import { altOf, Tile } from './tile.tsx';

export function Gallery() {
  const loading = useSignal(false);
  const entries = galleryEntries(jobs.value);
  const more = async () => {
    loading.value = true;
    await loadOlder().catch(report);
    loading.value = false;
  };
  return (
    <section class="gallery" aria-labelledby="gallery-title">
      <div class="gallery-head">
        <h2 id="gallery-title">Gallery</h2>
        <OpenPicture />
      </div>
      {entries.length === 0 ? (
        <p class="gallery-empty">
          {historyLoaded.value ? 'What you make is kept here, also over a reload.' : 'Looking for earlier pictures'}
        </p>
      ) : (
        <ul class="gallery-grid">
          {entries.map(entry => (
            <li key={`${entry.job.id}-${entry.index}`}>
              <Entry entry={entry} />
            </li>
          ))}
        </ul>
      )}
      {olderThan.value !== null && (
        <button type="button" class="gallery-more" disabled={loading.value} onClick={() => void more()}>
          Show older
        </button>
      )}
    </section>
  );
}

function Entry({ entry: { job, index, kind } }: { entry: GalleryEntry }) {
  if (kind !== 'words') {
    return (
      <>
        <Tile job={job} index={index} alt={altOf(job, index)} />
        {kind === 'frames' && <span class="badge">{job.samples.length} frames</span>}
      </>
    );
  }
  const caption = job.samples[0]?.caption ?? '';
  return (
    <button
      type="button"
      class="tile words-tile"
      aria-label={`${titleOf(job.mode, capabilities.value)}: ${caption}`}
      onClick={() => view({ jobId: job.id, index })}
    >
      {job.request.image_url && <Picture url={job.request.image_url} alt="" />}
      <span class={job.request.image_url ? 'tile-label' : 'caption'}>{caption}</span>
    </button>
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
