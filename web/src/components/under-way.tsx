/** The jobs that run or wait, of all tabs, windows and programs: how far they are, where they are shown, and how to cancel them. */
import { cancel, showJob } from '../actions.ts';
import { titleOf } from '../calls.ts';
import { askedWords, fractionDone, isOver, type JobState } from '../job-state.ts';
import { capabilities, jobs, knownCall } from '../state.ts';
import { statusLine } from '../words.ts';
import { IconButton } from './icon-button.tsx';
import { NoiseTile } from './noise-tile.tsx';
import { Picture } from './picture.tsx';

export function UnderWay() {
  const waiting = jobs.value.filter(job => !isOver(job)).reverse();
  if (waiting.length === 0) return null;
  return (
    <section class="under-way" aria-labelledby="under-way-title">
      <h2 id="under-way-title">
        Under way <span class="count-of">{waiting.length}</span>
      </h2>
      <ul>
        {waiting.map(job => (
          <li key={job.id}>
            <Waiting job={job} />
          </li>
        ))}
      </ul>
    </section>
  );
}

function Waiting({ job }: { job: JobState }) {
  const title = titleOf(job.mode, capabilities.value);
  const words = askedWords(job) ?? '';
  const name = words === '' ? title : `${title}, ${words}`;
  return (
    <>
      <button type="button" class="waiting" aria-label={`Show ${name}`} onClick={() => showJob(job)}>
        <span class="waiting-picture">
          <Thumbnail job={job} />
        </span>
        <span class="waiting-words">
          <strong>{words || title}</strong>
          <span>{statusLine(job)}</span>
        </span>
      </button>
      <IconButton icon="close" name={`Cancel ${name}`} title="Cancel" onClick={() => void cancel(job.id)} />
      <progress
        class={`bar makes-${knownCall(job.mode)?.makes ?? 'images'}`}
        max={1}
        value={fractionDone(job) ?? 0}
        aria-label={`Progress of ${name}`}
      />
    </>
  );
}

/** How it looks so far, or what it was given. */
function Thumbnail({ job: { early, previews, request, status } }: { job: JobState }) {
  const url = early.find(sample => sample?.url)?.url ?? previews.find(Boolean) ?? request.image_url;
  return url ? <Picture url={url} alt="" /> : <NoiseTile moving={status === 'running'} label="" />;
}
