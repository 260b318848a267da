/** One picture in large, with how it was made and what can be done with it. Arrows lead through the gallery. */
import { useComputed } from '@preact/signals';
import type { ComponentChildren } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { again, restore, showJob, usePicture } from '../actions.ts';
import { labelOf, type TabId, titleOf } from '../calls.ts';
import { deleteAll } from '../gallery-actions.ts';
import { type GalleryEntry, galleryEntries } from '../gallery-entries.ts';
import { shownEntries } from '../gallery-state.ts';
import { askedWords, type JobState, sampleAt } from '../job-state.ts';
import { closeOverlay, view, viewed } from '../navigation.ts';
import { capabilities, jobs, knownCall, shownTabs, viewedJob } from '../state.ts';
import { duration } from '../words.ts';
import { CaptionList } from './caption-list.tsx';
import { Comparison } from './comparison.tsx';
import { Dialog } from './dialog.tsx';
import { FavouriteStar } from './favourite-star.tsx';
import { FramePlayer } from './frame-player.tsx';
import { IconButton } from './icon-button.tsx';
import { Icon } from './icons.tsx';
import { Picture } from './picture.tsx';
import { Removal } from './removal.tsx';
import { altOf } from './tile.tsx';

export function Viewer() {
  const at = viewed.value;
  const job = viewedJob.value;
  const index = job && at ? presentIndex(job, at.index) : 0;
  const isViewed = (entry: GalleryEntry) =>
    entry.job.id === at?.jobId && (entry.index === index || entry.kind !== 'picture');
  const all = useComputed(() => galleryEntries(jobs.value)).value;
  // The arrows lead through what the gallery shows, unless this picture is not among it.
  const entries = shownEntries.value.some(isViewed) ? shownEntries.value : all;
  const place = entries.findIndex(isViewed);
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
          <View key={`${job.id}-${index}`} job={job} index={index} entry={entries[place]} />
          <div class="viewer-steps">
            <IconButton icon="left" name="Newer" disabled={place <= 0} onClick={() => go(-1)} />
            <IconButton
              icon="right"
              name="Older"
              disabled={place < 0 || place >= entries.length - 1}
              onClick={() => go(1)}
            />
          </div>
        </>
      )}
    </Dialog>
  );
}

/** In the place of a picture that was deleted, the first one that is left of its run. */
function presentIndex(job: JobState, index: number): number {
  return job.samples[index]?.removed ? (galleryEntries([job])[0]?.index ?? index) : index;
}

interface ViewProps {
  readonly job: JobState;
  readonly index: number;
  /** As the gallery has it; undefined of a job that is not over. */
  readonly entry: GalleryEntry | undefined;
}

function View({ job, index, entry }: ViewProps) {
  const sample = sampleAt(job, index);
  const element = useRef<HTMLDivElement>(null);
  // What had the focus went with the picture before: the arrows go on working.
  useEffect(() => {
    if (document.activeElement === document.body) element.current?.focus();
  }, []);
  const caption = sample?.caption ?? askedWords(job);
  const isList = !sample?.url;
  return (
    <div ref={element} class="view" tabIndex={-1}>
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
        <div class="view-head">
          <h2>{titleOf(job.mode, capabilities.value)}</h2>
          {entry && <FavouriteStar entry={entry} />}
        </div>
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
        <Actions job={job} index={index} entry={entry} />
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

function Actions({ job, index, entry }: ViewProps) {
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
        {entry && <Deletion entry={entry} />}
      </div>
    </>
  );
}

/** Of one picture or, where the run has more, of all of them. */
function Deletion({ entry }: { entry: GalleryEntry }) {
  const ofRun = galleryEntries([entry.job]);
  const isOne = ofRun.length === 1;
  return (
    <Removal
      name="Delete"
      really={isOne ? 'Really delete' : 'Delete this picture'}
      also={
        isOne ? undefined : { name: `Delete all ${ofRun.length} of this run`, onRemove: () => void deleteAll(ofRun) }
      }
      onRemove={() => void deleteAll([entry])}
    />
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
