/** One picture in large, with how it was made and what can be done with it. Arrows lead through the gallery. */
import { useComputed } from '@preact/signals';
import type { ComponentChildren } from 'preact';
import { again, remove, restore, showJob, usePicture } from '../actions.ts';
import { labelOf, type TabId, titleOf } from '../calls.ts';
import { galleryEntries } from '../gallery-entries.ts';
import { askedWords, type JobState, sampleAt } from '../job-state.ts';
import { closeOverlay, view, viewed } from '../navigation.ts';
import { capabilities, jobs, knownCall, shownTabs, viewedJob } from '../state.ts';
import { duration } from '../words.ts';
import { CaptionList } from './caption-list.tsx';
import { Comparison } from './comparison.tsx';
import { Dialog } from './dialog.tsx';
import { FramePlayer } from './frame-player.tsx';
import { Icon } from './icons.tsx';
import { Picture } from './picture.tsx';
import { Removal } from './removal.tsx';
import { altOf } from './tile.tsx';

export function Viewer() {
  const at = viewed.value;
  const job = viewedJob.value;
  const entries = useComputed(() => galleryEntries(jobs.value)).value;
  const place = entries.findIndex(
    entry => entry.job.id === at?.jobId && (entry.index === at.index || entry.kind !== 'picture'),
  );
  const go = (step: number) => {
    const next = entries[place + step];
    if (next) view({ jobId: next.job.id, index: next.index });
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.target instanceof HTMLInputElement) return;
    if (event.key === 'ArrowLeft') go(-1);
    if (event.key === 'ArrowRight') go(1);
  };
  return (
    <Dialog
      open={job !== undefined}
      label={job ? titleOf(job.mode, capabilities.value) : 'Viewer'}
      class="viewer"
      onKeyDown={onKeyDown}
      onClose={closeOverlay}
    >
      {job && at && (
        <>
          <View key={`${job.id}-${at.index}`} job={job} index={at.index} />
          <div class="viewer-steps">
            <button type="button" class="quiet round" aria-label="Newer" disabled={place <= 0} onClick={() => go(-1)}>
              <Icon name="left" />
            </button>
            <button
              type="button"
              class="quiet round"
              aria-label="Older"
              disabled={place < 0 || place >= entries.length - 1}
              onClick={() => go(1)}
            >
              <Icon name="right" />
            </button>
          </div>
        </>
      )}
    </Dialog>
  );
}

function View({ job, index }: { job: JobState; index: number }) {
  const sample = sampleAt(job, index);
  const caption = sample?.caption ?? askedWords(job);
  const isList = !sample?.url;
  return (
    <div class="view">
      <div class="view-picture">
        {isList ? (
          <Source job={job} />
        ) : job.mode === 'interpolate' ? (
          <FramePlayer job={job} />
        ) : job.request.image_url ? (
          <Comparison before={job.request.image_url} after={sample.url!} alt={altOf(job, index)} />
        ) : (
          <Picture url={sample.url!} alt={altOf(job, index)} />
        )}
      </div>
      <div class="view-text">
        <h2>{titleOf(job.mode, capabilities.value)}</h2>
        {isList ? (
          <CaptionList samples={job.samples} />
        ) : (
          caption && job.mode !== 'interpolate' && <p class="caption is-large">{caption}</p>
        )}
        <Parameters job={job} index={index} />
        {job.dialogue && (
          <button type="button" class="quiet is-start" onClick={() => showJob(job)}>
            Show the conversation
          </button>
        )}
        <Actions job={job} index={index} />
      </div>
    </div>
  );
}

/** What captions were written about. */
function Source({ job }: { job: JobState }) {
  const url = job.request.image_url;
  return url ? <Picture url={url} alt="What was described" /> : <div class="view-nothing" aria-hidden="true" />;
}

function Parameters({ job, index }: { job: JobState; index: number }) {
  const { request } = job;
  const sample = sampleAt(job, index);
  const rows: readonly (readonly [string, ComponentChildren])[] = [
    ['Caption given', sample?.caption !== undefined && request.prompt !== sample.caption ? request.prompt : undefined],
    ['Seed', sample?.seed],
    ...settingsUsed(job),
    ['Took', job.took === null ? undefined : duration(job.took)],
    ['Made', new Date(job.created).toLocaleString(undefined, { dateStyle: 'medium', timeStyle: 'short' })],
  ];
  return (
    <dl class="parameters">
      {rows
        .filter(([, value]) => value !== undefined)
        .map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
    </dl>
  );
}

/** Always told, as people compare them. */
const alwaysTold: ReadonlySet<string> = new Set(['steps', 'guidance']);

/** The settings of a job: those that were given, and some with their defaults. */
function settingsUsed({ mode, request }: JobState): readonly (readonly [string, ComponentChildren])[] {
  const call = knownCall(mode);
  const names = call?.options.filter(name => !['seed', 'n', 'priority', 'preview_every'].includes(name)) ?? [];
  return names.flatMap(name => {
    const standard = alwaysTold.has(name) && !call?.without_effect.includes(name) ? call?.defaults[name] : undefined;
    const value = request[name] ?? standard;
    return value === undefined ? [] : [[labelOf(name, capabilities.value?.options[name]), String(value)] as const];
  });
}

function Actions({ job, index }: { job: JobState; index: number }) {
  const sample = sampleAt(job, index);
  const url = sample?.url;
  const seed = job.answer?.seed ?? job.samples[0]?.seed ?? null;
  return (
    <>
      <div class="actions">
        <button type="button" class="primary" onClick={() => void again(job, null)}>
          <Icon name="dice" /> With another seed
        </button>
        <button type="button" onClick={() => void again(job, seed)}>
          <Icon name="again" /> Again
        </button>
        <button type="button" onClick={() => void restore(job, seed)}>
          <Icon name="settings" /> Edit settings
        </button>
      </div>
      {url && <UsePicture url={url} name={`duet-${sample.seed}.png`} />}
      <div class="actions">
        {url && (
          <a class="button quiet" href={url} download={`duet-${sample.seed}.png`}>
            <Icon name="download" /> Download
          </a>
        )}
        <Removal
          name="Delete"
          really={job.samples.length > 1 ? `Delete all ${job.samples.length} of this run` : 'Really delete'}
          onRemove={() => void remove(job.id)}
        />
      </div>
    </>
  );
}

const uses = [
  { tab: 'chat', name: 'Chat' },
  { tab: 'describe', name: 'Describe' },
  { tab: 'vary', name: 'Vary' },
  { tab: 'inpaint', name: 'Paint over' },
] as const satisfies readonly { tab: TabId; name: string }[];

function UsePicture({ url, name: fileName }: { url: string; name: string }) {
  return (
    <div class="actions">
      <span class="hint">Use it to</span>
      {uses
        .filter(({ tab }) => shownTabs.value.includes(tab) && (tab !== 'chat' || capabilities.value?.dialogue?.sees))
        .map(({ tab, name }) => (
          <button key={tab} type="button" class="example" onClick={() => void usePicture(tab, url, fileName)}>
            {name}
          </button>
        ))}
    </div>
  );
}
