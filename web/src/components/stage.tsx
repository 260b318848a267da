/** The right half of a tab: the job that was started last, from its place in the queue to its result. */
import type { ComponentChildren } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { cancel } from '../actions.ts';
import { fieldsOf, type TabId } from '../form.ts';
import { fractionDone, isOver, type JobState } from '../job-state.ts';
import { findJob, shownJobs } from '../state.ts';
import { statusLine } from '../words.ts';
import { CaptionList } from './caption-list.tsx';
import { FramePlayer } from './frame-player.tsx';
import { NoiseTile } from './noise-tile.tsx';
import { Picture } from './picture.tsx';
import { altOf, Tile } from './tile.tsx';

interface StageProps {
  readonly tab: TabId;
  /** What to say while there is nothing yet. */
  readonly empty: ComponentChildren;
}

export function Stage({ tab, empty }: StageProps) {
  const job = findJob(shownJobs.value[tab]);
  const element = useRef<HTMLElement>(null);
  useEffect(() => {
    const isNarrow = matchMedia('(max-width: 860px)').matches;
    const calm = matchMedia('(prefers-reduced-motion: reduce)').matches;
    if (job && !isOver(job) && isNarrow)
      element.current?.scrollIntoView({ behavior: calm ? 'auto' : 'smooth', block: 'start' });
  }, [job?.id]);
  return (
    <section ref={element} class="stage" aria-label="Result" aria-busy={job !== undefined && !isOver(job)}>
      <div class="stage-body">{job ? <Result job={job} /> : <Empty>{empty}</Empty>}</div>
      {job && <Status job={job} />}
    </section>
  );
}

function Empty({ children }: { children: ComponentChildren }) {
  return (
    <div class="empty">
      <div class="empty-picture" aria-hidden="true">
        <NoiseTile moving={false} label="" />
      </div>
      {children}
    </div>
  );
}

function Result({ job }: { job: JobState }) {
  if (job.status === 'failed') return <Fault title="That did not work" text={job.error?.message ?? ''} />;
  if (job.status === 'cancelled') return <Fault title="Cancelled" text="Nothing was kept of it." />;
  if (job.status === 'succeeded') return <Finished job={job} />;
  return <Pending job={job} />;
}

function Fault({ title, text }: { title: string; text: string }) {
  return (
    <div class="empty">
      <h2>{title}</h2>
      <p>{text}</p>
    </div>
  );
}

function Finished({ job }: { job: JobState }) {
  if (job.mode === 'interpolate') return <FramePlayer job={job} />;
  if (!job.samples.some(({ url }) => url)) return <CaptionList samples={job.samples} />;
  return (
    <ul class="tiles" style={{ '--columns': String(columnsFor(job.samples.length)) }}>
      {job.samples.map(({ caption, seed }, index) => (
        <li key={`${seed}-${index}`} class="plate">
          <Tile job={job} index={index} alt={altOf(job, index)} />
          {caption !== undefined && <p class="caption">{caption}</p>}
        </li>
      ))}
    </ul>
  );
}

/** Noise until the first preview, then how the pictures look so far. */
function Pending({ job }: { job: JobState }) {
  const { makes, count } = fieldsOf(job.mode);
  if (makes === 'captions') {
    return <div class="empty">{job.text ? <p class="caption is-large">{job.text}</p> : <Writing />}</div>;
  }
  const expected = job.previews.length || job.request[count] || 1;
  return (
    <ul class="tiles" style={{ '--columns': String(columnsFor(expected)) }}>
      {Array.from({ length: expected }, (_, index) => (
        <li key={index} class="plate">
          <div class="tile is-pending">
            {job.previews[index] ? (
              <Picture url={job.previews[index]} alt={`Picture ${index + 1} so far`} />
            ) : (
              <NoiseTile moving={job.status === 'running'} label={`Picture ${index + 1}, not begun`} />
            )}
          </div>
        </li>
      ))}
    </ul>
  );
}

function Writing() {
  return (
    <p class="writing">
      <span class="unseen">Looking at it</span>
      <span aria-hidden="true">• • •</span>
    </p>
  );
}

function Status({ job }: { job: JobState }) {
  const fraction = fractionDone(job);
  const over = isOver(job);
  return (
    <div class={`status is-${job.status}`}>
      {!over && (
        <progress class={`bar makes-${fieldsOf(job.mode).makes}`} max={1} value={fraction ?? 0} aria-label="Progress">
          {Math.round((fraction ?? 0) * 100)} %
        </progress>
      )}
      <div class="status-row">
        <p>{job.status === 'failed' ? 'Failed' : statusLine(job)}</p>
        {!over && (
          <button type="button" onClick={() => void cancel(job.id)}>
            Cancel
          </button>
        )}
      </div>
      {job.unknownWords.length > 0 && (
        <p class="hint">
          The model never learnt {job.unknownWords.map(word => `“${word}”`).join(', ')}, and guessed from the letters.
        </p>
      )}
      {job.captionCut && <p class="hint">The caption is longer than the model reads: its end was left out.</p>}
    </div>
  );
}

function columnsFor(count: number): number {
  if (count <= 3) return Math.max(1, count);
  if (count === 4) return 2;
  return count <= 9 ? 3 : 5;
}
