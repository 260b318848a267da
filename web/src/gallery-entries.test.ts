import { describe, expect, it } from 'vitest';
import {
  deletionsOf,
  entriesBetween,
  entryKey,
  filteredRuns,
  galleryEntries,
  galleryRuns,
  noFilter,
} from './gallery-entries.ts';
import { galleryFiles } from './gallery-files.ts';
import { type JobState, jobFromView } from './job-state.ts';
import type { WireJob, WireRequest, WireSample } from './wire.ts';

function job(id: string, mode: string, samples: readonly WireSample[], request: WireRequest = {}): JobState {
  const unknown = { started: null, ended: null, queue_position: null, progress: null, error: null };
  const result = { samples, unknown_words: [], caption_cut: false, timings: { total: 1 } };
  const urls = { get: '', events: '', cancel: '' };
  const view: WireJob = { id, mode, status: 'succeeded', created: 1, request, result, urls, ...unknown };
  return jobFromView(view);
}

const picture = (seed: number, more: Partial<WireSample> = {}): WireSample => ({ seed, url: `/${seed}.png`, ...more });
const hearts = job('hearts', 't2i', [picture(1), picture(2, { favourite: true }), picture(3)], {
  prompt: 'Two red hearts',
});
const captions = job('captions', 'i2t', [
  { seed: 4, caption: 'a Café' },
  { seed: 5, caption: 'a house' },
]);
const mix = job('mix', 'interpolate', [picture(6), picture(7)], { prompt: 'a fox', prompt2: 'a bear' });
const answer: JobState = {
  ...job('answer', 'chat', [picture(8)]),
  dialogue: { messages: 1, pictures: 0, last_words: 'two foxes' },
};
const all = [hearts, captions, mix, answer];
const keys = (runs: ReturnType<typeof filteredRuns>) => runs.flatMap(({ entries }) => entries.map(entryKey));

describe('runs', () => {
  it('have an entry for each picture, and one for captions and for frames', () => {
    expect(keys(galleryRuns(all))).toEqual(['hearts-0', 'hearts-1', 'hearts-2', 'captions-0', 'mix-0', 'answer-0']);
  });

  it('do not show pictures that were deleted, nor captions in their place', () => {
    const gone: WireSample = { seed: 1, caption: 'x', removed: true };
    expect(galleryEntries([job('a', 'joint', [gone, picture(2)]), job('b', 'joint', [gone])]).map(entryKey)).toEqual([
      'a-1',
    ]);
  });
});

describe('a filter', () => {
  const left = (filter: Partial<typeof noFilter>) => keys(filteredRuns(galleryRuns(all), { ...noFilter, ...filter }));

  it('finds words of prompts and captions, in any case and without accents', () => {
    expect(left({ words: ' RED ' })).toEqual(['hearts-0', 'hearts-1', 'hearts-2']);
    expect(left({ words: 'cafe' })).toEqual(['captions-0']);
    expect(left({ words: 'a house' })).toEqual(['captions-0']);
    expect(left({ words: 'bear' })).toEqual(['mix-0']);
    expect(left({ words: 'foxes' })).toEqual(['answer-0']);
    expect(left({ words: '(' })).toEqual([]);
  });

  it('leaves one mode, or favourites', () => {
    expect(left({ mode: 'i2t' })).toEqual(['captions-0']);
    expect(left({ onlyFavourites: true })).toEqual(['hearts-1']);
    expect(left({ onlyFavourites: true, mode: 'i2t' })).toEqual([]);
  });
});

describe('deleting', () => {
  const [first, second, third] = galleryEntries([hearts]);

  it('takes a run whole if nothing else is left of it, but never an answer', () => {
    expect(deletionsOf(galleryEntries(all))).toEqual([
      { jobId: 'hearts', index: null },
      { jobId: 'captions', index: null },
      { jobId: 'mix', index: null },
      { jobId: 'answer', index: 0 },
    ]);
  });

  it('takes single pictures of others', () => {
    expect(deletionsOf([third!, first!])).toEqual([
      { jobId: 'hearts', index: 2 },
      { jobId: 'hearts', index: 0 },
    ]);
    const rest = job('rest', 't2i', [{ seed: 1, removed: true }, picture(2)]);
    expect(deletionsOf(galleryEntries([rest]))).toEqual([{ jobId: 'rest', index: null }]);
  });

  it('a range goes in either direction, and is one entry without a beginning', () => {
    const between = (from: string | null, to: string) =>
      entriesBetween([first!, second!, third!], from, to).map(entryKey);
    expect(between('hearts-2', 'hearts-1')).toEqual(['hearts-1', 'hearts-2']);
    expect(between('hearts-0', 'hearts-2')).toHaveLength(3);
    expect([between(null, 'hearts-1'), between('gone-0', 'hearts-1')]).toEqual([['hearts-1'], ['hearts-1']]);
    expect(between('hearts-0', 'gone-0')).toEqual([]);
  });
});

describe('files', () => {
  it('are named by what was asked for, no two alike', () => {
    const twin = job('twin', 't2i', [picture(1)], { prompt: 'two RED hearts!' });
    const files = galleryFiles(galleryEntries([...all, twin]));
    expect(files.map(({ name }) => name)).toEqual([
      'two-red-hearts-1.png',
      'two-red-hearts-2.png',
      'two-red-hearts-3.png',
      'a-café.txt',
      'a-fox-a-bear-frame-1.png',
      'a-fox-a-bear-frame-2.png',
      'two-foxes-8.png',
      'two-red-hearts-1-2.png',
    ]);
    expect(files[3]).toMatchObject({ text: 'a Café\na house\n' });
  });
});
