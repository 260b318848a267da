import { describe, expect, it } from 'vitest';
import { mergeHistory, removedJobs } from './history.ts';
import { jobFromView } from './job-state.ts';
import type { WireJob } from './wire.ts';

function view(id: string, created: number, status: WireJob['status'] = 'succeeded'): WireJob {
  const urls = { get: '', events: '', cancel: '' };
  const unknown = { started: null, ended: null, queue_position: null, progress: null, result: null, error: null };
  return { id, mode: 't2i', status, created, request: { prompt: id }, urls, ...unknown };
}

describe('mergeHistory', () => {
  it('adds what is new, the newest first, and brings up to date what runs', () => {
    const known = [jobFromView(view('b', 2, 'running')), jobFromView(view('a', 1))];
    const merged = mergeHistory(known, [view('c', 3, 'queued'), view('b', 2, 'cancelled'), view('a', 1)]);
    expect(merged.map(({ id, status }) => [id, status])).toEqual([
      ['c', 'queued'],
      ['b', 'cancelled'],
      ['a', 'succeeded'],
    ]);
    expect(merged[2]).toBe(known[1]);
  });

  it('takes the whole of a job in the place of what a list tells of it, and not the other way', () => {
    const messages = [{ role: 'user', content: [{ type: 'text', text: 'a fox' }] }] as const;
    const listed = { ...view('a', 1), request: {}, dialogue: { messages: 1, pictures: 0, last_words: 'a fox' } };
    const whole: WireJob = { ...listed, request: { messages } };
    const known = mergeHistory([jobFromView(listed)], [whole]);
    expect(known[0]).toMatchObject({ isWhole: true, request: { messages } });
    expect(mergeHistory(known, [listed])[0]).toBe(known[0]);
    const running = [jobFromView({ ...whole, status: 'running' })];
    expect(mergeHistory(running, [{ ...listed, status: 'running' }])[0]).toMatchObject({ isWhole: true });
    expect(mergeHistory(running, [listed])[0]).toMatchObject({ isWhole: false, status: 'succeeded' });
  });

  it('takes over what people changed elsewhere: favourites, and pictures that were deleted', () => {
    const samples = [
      { seed: 1, url: '/0.png' },
      { seed: 2, url: '/1.png' },
    ];
    const result = { samples, unknown_words: [], caption_cut: false, timings: { total: 1 } };
    const made = { ...view('a', 1), result };
    const known = [jobFromView(made)];
    expect(mergeHistory(known, [made])[0]).toBe(known[0]);
    const changed = [
      { seed: 1, removed: true as const },
      { ...samples[1]!, favourite: true as const },
    ];
    expect(mergeHistory(known, [{ ...made, result: { ...result, samples: changed } }])[0]!.samples).toEqual(changed);
  });

  it('leaves the streamed one, whose previews the history does not have', () => {
    const streamed = { ...jobFromView(view('a', 1, 'running')), previews: ['data:,'] };
    expect(mergeHistory([streamed], [view('a', 1, 'running')], 'a')[0]).toBe(streamed);
  });
});

describe('removedJobs', () => {
  const known = ['c', 'b', 'a'].map((id, place) => jobFromView(view(id, 3 - place)));

  it('finds what is missing among the newest, not what is older than they reach', () => {
    expect(removedJobs(known, [view('c', 3)], false)).toEqual(new Set(['b', 'a']));
    expect(removedJobs(known, [view('c', 3), view('older', 1.5)], true)).toEqual(new Set(['b']));
  });

  it('finds all missing in an empty history', () => {
    expect(removedJobs(known, [], false)).toEqual(new Set(['a', 'b', 'c']));
  });
});
