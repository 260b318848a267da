import { describe, expect, it } from 'vitest';
import { galleryEntries } from './gallery-entries.ts';
import { mergeHistory } from './history.ts';
import {
  countCaptions,
  fractionDone,
  isOver,
  type JobChange,
  type JobState,
  jobFromView,
  reduceJob,
} from './job-state.ts';
import type { WireJob, WireResult } from './wire.ts';
import { duration, missingLine, statusLine } from './words.ts';

const view: WireJob = {
  id: 'job-1',
  mode: 't2i',
  status: 'queued',
  created: 1_700_000_000,
  started: null,
  ended: null,
  queue_position: 2,
  progress: null,
  request: { prompt: 'an apple', n: 2 },
  result: null,
  error: null,
  urls: { get: '', events: '', cancel: '' },
};
const job = jobFromView(view);
const samples = [
  { seed: 1, url: '/v1/jobs/job-1/files/0.png' },
  { seed: 2, url: '/v1/jobs/job-1/files/1.png' },
];
const resultOf = (more: Partial<WireResult> = {}): WireResult => ({
  samples,
  unknown_words: [],
  caption_cut: false,
  timings: { total: 900 },
  ...more,
});
const jobAfter = (...events: JobChange[]): JobState => events.reduce(reduceJob, job);
const step = (number: number, eta_ms: number | null = null): JobChange => ({
  type: 'progress',
  step: number,
  steps: 20,
  eta_ms,
});

describe('reduceJob', () => {
  it('goes from the queue to the result', () => {
    const running = jobAfter({ type: 'queued', position: 1 }, { type: 'started' }, step(5, 3000));
    expect(running).toMatchObject({
      status: 'running',
      position: null,
      progress: { step: 5, steps: 20, eta_ms: 3000 },
    });
    expect(fractionDone(running)).toBe(0.25);
    const seen = reduceJob(running, { type: 'preview', step: 6, images: ['AA=='], indices: [1] });
    expect(seen.previews).toEqual([undefined, 'data:image/png;base64,AA==']);
    const done = reduceJob(seen, {
      type: 'completed',
      result: resultOf({ unknown_words: ['zebra'], is_familiar: false }),
    });
    expect(done).toMatchObject({
      status: 'succeeded',
      progress: null,
      previews: [],
      samples,
      unknownWords: ['zebra'],
      isUnfamiliar: true,
      took: 900,
    });
    expect(fractionDone(done)).toBe(1);
  });

  it('has what was written of an answer that ended early, although nobody read it as it came', () => {
    const written = { text: 'One: and', pictures: [{ at: 4, seed: 7 }] };
    const error = { code: 'generation_failed', message: 'It failed' };
    const known = { text: 'One: and', places: [{ at: 4, seed: 7 }] };
    const failed: WireJob = { ...view, status: 'failed', error, written };
    expect(jobFromView(failed)).toMatchObject({ status: 'failed', ...known });
    expect(jobAfter({ type: 'failed', error, written })).toMatchObject(known);
    expect(jobAfter({ type: 'cancelled', written })).toMatchObject({ status: 'cancelled', ...known });
    const [merged] = mergeHistory([{ ...job, text: 'One' }], [failed]);
    expect(merged).toMatchObject(known);
    const some = jobAfter({ type: 'text', delta: 'One', at: 0 }, { type: 'failed', error });
    expect(some).toMatchObject({ text: 'One', error });
  });

  it('gathers text', () => {
    const told = [
      { type: 'text', delta: 'an ', at: 0 },
      { type: 'text', delta: 'apple', at: 3 },
    ] as const;
    expect(jobAfter(...told).text).toBe('an apple');
    expect(jobAfter(...told, { type: 'text', delta: ' old tree', at: 2 }).text).toBe('an old tree');
  });

  it('ends by failure or cancellation too', () => {
    const error = { code: 'generation_failed', message: 'out of paint' };
    expect(jobAfter(step(1), { type: 'failed', error })).toMatchObject({ status: 'failed', error, progress: null });
    expect(isOver(jobAfter(step(1), { type: 'cancelled' }))).toBe(true);
    expect(isOver(jobAfter(step(1)))).toBe(false);
  });

  it('shows samples that are finished early in their places, and keeps those of a cancelled job', () => {
    const preview = { type: 'preview', step: 6, images: ['AA==', 'BB=='], indices: [0, 1] } as const;
    const early = jobAfter({ type: 'started' }, preview, { type: 'sample', index: 1, sample: samples[1]! });
    expect(early.early).toEqual([undefined, samples[1]]);
    expect(early.previews).toEqual(['data:image/png;base64,AA==', undefined]);
    expect(reduceJob(early, preview).previews).toEqual(early.previews);
    const kept = reduceJob(early, { type: 'cancelled', result: resultOf({ samples: [samples[1]!] }) });
    expect(kept).toMatchObject({ status: 'cancelled', samples: [samples[1]], early: [] });
    expect(jobFromView({ ...view, status: 'cancelled', result: resultOf() })).toMatchObject({
      status: 'cancelled',
      samples,
    });
  });

  it('does not mind events that it does not know', () => {
    expect(reduceJob(job, { type: 'news' } as unknown as JobChange)).toBe(job);
  });

  it('agrees with the view of a job that is over', () => {
    const told = jobFromView({ ...view, status: 'succeeded', queue_position: null, result: resultOf() });
    expect(told).toEqual(jobAfter({ type: 'started' }, { type: 'completed', result: resultOf() }));
  });
});

describe('texts', () => {
  it.each<[JobState, string]>([
    [job, 'Waiting, 2 jobs ahead'],
    [jobAfter({ type: 'queued', position: 1 }), 'Waiting, one job ahead'],
    [jobAfter({ type: 'queued', position: 0 }), 'Next in line'],
    [jobAfter({ type: 'started' }), 'Starting'],
    [jobAfter(step(3)), 'Step 3 of 20'],
    [jobAfter(step(3, 2500)), 'Step 3 of 20, 2.5 s left'],
    [jobAfter({ type: 'cancelled' }), 'Cancelled'],
  ])('%#: the status', (state, line) => {
    expect(statusLine(state)).toBe(line);
  });

  it.each([
    [0, 'under a second'],
    [1000, '1.0 s'],
    [42_400, '42 s'],
    [150_000, '3 min'],
  ])('%d ms is %s', (milliseconds, text) => {
    expect(duration(milliseconds)).toBe(text);
  });

  it('says what is missing', () => {
    expect(missingLine([])).toBe('');
    expect(missingLine(['image', 'mask'])).toBe('Add a picture and paint over what should change first');
  });
});

describe('what is shown', () => {
  it('counts equal captions, the most frequent first', () => {
    const told = ['a cat', 'a dog', 'a dog'].map((caption, seed) => ({ seed, caption }));
    expect(countCaptions(told)).toEqual([
      { caption: 'a dog', times: 2 },
      { caption: 'a cat', times: 1 },
    ]);
  });

  it('has one entry a picture, and one for all captions or frames', () => {
    const drawn = { ...job, samples };
    const described = {
      ...job,
      mode: 'i2t',
      samples: [
        { seed: 1, caption: 'a' },
        { seed: 2, caption: 'b' },
      ],
    };
    const mixed = { ...drawn, mode: 'interpolate' };
    const kinds = galleryEntries([drawn, job, described, mixed]).map(({ kind, index }) => `${kind} ${index}`);
    expect(kinds).toEqual(['picture 0', 'picture 1', 'words 0', 'frames 0']);
  });
});
