/** The right half of a tab: the job that was started last, from its place in the queue to its result. */
import { useEffect, useRef } from 'preact/hooks';
import { cancel } from '../actions.ts';
import { countOf, type TabId, titleOf } from '../calls.ts';
import { fractionDone, isOver, type JobState } from '../job-state.ts';
import { standingOf } from '../standing.ts';
import { capabilities, findJob, formCallOf, forms, knownCall, shownJobs } from '../state.ts';
import type { Texts } from '../tab-texts.ts';
import { statusLine } from '../words.ts';
import { CaptionList } from './caption-list.tsx';
import { FramePlayer } from './frame-player.tsx';
import { NoiseTile } from './noise-tile.tsx';
import { Picture } from './picture.tsx';
import { altOf, Tile } from './tile.tsx';

interface StageProps {
  readonly tab: TabId;
  /** What to say while there is nothing yet. */
  readonly empty: Texts;
}

export function Stage({ tab, empty }: StageProps) {
  const shown = shownJobs.value[tab];
  const job = findJob(shown?.id);
  const form = forms.value[tab];
  const formCall = formCallOf(tab);
  const known = capabilities.value;
  const standing = shown && job && formCall && known ? standingOf(job, shown, { form, formCall, known }) : 'gone';
  const element = useRef<HTMLElement>(null);
  useEffect(() => {
    const isNarrow = matchMedia('(max-width: 860px)').matches;
    const calm = matchMedia('(prefers-reduced-motion: reduce)').matches;
    if (job && !isOver(job) && isNarrow)
      element.current?.scrollIntoView({ behavior: calm ? 'auto' : 'smooth', block: 'start' });
  }, [job?.id]);
  if (!job || standing === 'gone') {
    return (
      <section ref={element} class="stage" aria-label="Result">
        <div class="stage-body">
          <div class="empty">
            <div class="empty-picture" aria-hidden="true">
              <NoiseTile moving={false} label="" />
            </div>
            <h2>{empty.title}</h2>
            <p>{empty.text}</p>
          </div>
        </div>
      </section>
    );
  }
  return (
    <section
      ref={element}
      class={standing === 'former' && isOver(job) ? 'stage is-former' : 'stage'}
      aria-label="Result"
      aria-busy={!isOver(job)}
    >
      <MadeFrom job={job} isFormer={standing === 'former'} />
      <div class="stage-body">
        <Result job={job} unfinished={shown?.unfinished ?? []} />
      </div>
      <Status job={job} />
    </section>
  );
}

/** What the result was made from, where that is not what stands in the form. Its line is kept free, so that nothing moves. */
function MadeFrom({ job, isFormer }: { job: JobState; isFormer: boolean }) {
  if (!isFormer) return <div class="made-from" />;
  const { prompt, prompt2, image_url, image2_url } = job.request;
  const words = [prompt, prompt2].filter(text => text !== undefined).map(text => `“${text}”`);
  const pictures = [image_url, image2_url].filter(url => url !== undefined);
  return (
    <div class="made-from">
      <p>
        {isOver(job) ? 'An earlier result' : 'Under way'}: {titleOf(job.mode, capabilities.value).toLowerCase()}
        {words.length > 0 && `, ${words.join(' → ')}`}
      </p>
      {pictures.map(url => (
        <Picture key={url} url={url} alt="What it was made from" />
      ))}
    </div>
  );
}

function Result({ job, unfinished }: { job: JobState; unfinished: readonly string[] }) {
  if (job.status === 'failed') return <Fault title="That did not work" text={job.error?.message ?? ''} />;
  if (job.samples.length > 0) {
    return (
      <>
        <Finished job={job} />
        {unfinished.length > 0 && <Unfinished pictures={unfinished} />}
      </>
    );
  }
  if (job.status !== 'cancelled') return <Pending job={job} />;
  return unfinished.length > 0 ? (
    <Unfinished pictures={unfinished} />
  ) : (
    <Fault title="Cancelled" text="It had not begun to show." />
  );
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
  const left = job.samples.flatMap((sample, index) => (sample.removed ? [] : [{ ...sample, index }]));
  if (job.mode === 'interpolate') return <FramePlayer job={job} />;
  if (!job.samples.some(({ url }) => url)) return <CaptionList samples={job.samples} />;
  return (
    <ul class="tiles" style={{ '--columns': String(columnsFor(left.length)) }}>
      {left.map(({ caption, seed, index }) => (
        <li key={`${seed}-${index}`} class="plate">
          <Tile job={job} index={index} alt={altOf(job, index)} />
          {caption !== undefined && <p class="caption">{caption}</p>}
        </li>
      ))}
    </ul>
  );
}

/** The pictures as far as they had come when the job was cancelled. */
function Unfinished({ pictures }: { pictures: readonly string[] }) {
  return (
    <ul class="tiles" style={{ '--columns': String(columnsFor(pictures.length)) }}>
      {pictures.map((url, index) => (
        <li key={index} class="plate">
          <a class="tile is-unfinished" href={url} download={`duet-unfinished-${index + 1}.png`} title="Download">
            <Picture url={url} alt={`Picture ${index + 1}, unfinished. Download`} />
          </a>
        </li>
      ))}
    </ul>
  );
}

/** Noise until the first preview, then how the pictures look so far. */
function Pending({ job }: { job: JobState }) {
  if (knownCall(job.mode)?.makes === 'captions') {
    return <div class="empty">{job.text ? <p class="caption is-large">{job.text}</p> : <Writing />}</div>;
  }
  const expected = expectedSamples(job);
  return (
    <ul class="tiles" style={{ '--columns': String(columnsFor(expected)) }}>
      {Array.from({ length: expected }, (_, index) => (
        <li key={index} class="plate">
          <PendingSample job={job} index={index} />
        </li>
      ))}
    </ul>
  );
}

/** A sample that is finished early, or how its picture looks so far. */
function PendingSample({ job, index }: { job: JobState; index: number }) {
  const sample = job.early[index];
  if (sample?.url) {
    return (
      <>
        <a class="tile" href={sample.url} target="_blank" rel="noreferrer">
          <Picture url={sample.url} alt={`Picture ${index + 1}, finished`} />
        </a>
        {sample.caption !== undefined && <p class="caption">{sample.caption}</p>}
      </>
    );
  }
  const preview = job.previews[index];
  return (
    <div class="tile is-pending">
      {preview ? (
        <Picture url={preview} alt={`Picture ${index + 1} so far`} />
      ) : (
        <NoiseTile moving={job.status === 'running'} label={`Picture ${index + 1}, not begun`} />
      )}
    </div>
  );
}

/** How many samples a job will have, as far as its request tells. */
function expectedSamples({ mode, request, early, previews }: JobState): number {
  const call = knownCall(mode);
  const of = (name: string) => Number(request[name] ?? call?.defaults[name] ?? 1);
  const count = call ? countOf(call) : 'n';
  // A chain begins with a pair, which no round made.
  const each = count === 'n' ? 1 : of(count) + (count === 'rounds' ? 1 : 0);
  return Math.max(early.length, previews.length, of('n') * each);
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
        <progress
          class={`bar makes-${knownCall(job.mode)?.makes ?? 'images'}`}
          max={1}
          value={fraction ?? 0}
          aria-label="Progress"
        >
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
      {job.isUnfamiliar && (
        <p class="hint">The picture looks unlike those that the model knows: what it sees there is a guess.</p>
      )}
    </div>
  );
}

function columnsFor(count: number): number {
  if (count <= 3) return Math.max(1, count);
  if (count === 4) return 2;
  return count <= 9 ? 3 : 5;
}
