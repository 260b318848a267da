/** The latest pictures of the gallery; a click puts one into the form. */
import { report } from '../faults.ts';
import type { InputPicture } from '../form.ts';
import { galleryEntries } from '../gallery-entries.ts';
import { readPicture } from '../pictures.ts';
import { api, jobs } from '../state.ts';
import { Picture } from './picture.tsx';
import { altOf } from './tile.tsx';

const mostShown = 6;

export function RecentPictures({ onPick }: { onPick: (picture: InputPicture) => void }) {
  const recent = galleryEntries(jobs.value).filter(({ kind }) => kind === 'picture');
  if (recent.length === 0) return null;
  const pick = async (url: string, seed: number) => {
    try {
      onPick(await readPicture(await api.file(url), `duet-${seed}.png`));
    } catch (error) {
      report(error);
    }
  };
  return (
    <ul class="recent" aria-label="Take one from the gallery">
      {recent.slice(0, mostShown).map(({ job, index }) => {
        const { url = '', seed = 0 } = job.samples[index] ?? {};
        return (
          <li key={url}>
            <button type="button" title="Take this one" onClick={() => void pick(url, seed)}>
              <Picture url={url} alt={`Take ${altOf(job, index)}`} />
            </button>
          </li>
        );
      })}
    </ul>
  );
}
