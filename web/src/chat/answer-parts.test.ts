import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type JobChange, type JobState, jobFromView, reduceJob } from '../job-state.ts';
import type { WireAnswer, WireJob, WireResult } from '../wire.ts';
import { answerParts, laidOut, wordsOf } from './answer-parts.ts';

const view: WireJob = {
  id: 'job_1',
  mode: 'chat',
  status: 'queued',
  queue_position: 0,
  created: 1,
  started: null,
  ended: null,
  progress: null,
  request: {},
  result: null,
  error: null,
  urls: { get: '', events: '', cancel: '' },
};
const jobAfter = (...events: JobChange[]): JobState => events.reduce(reduceJob, jobFromView(view));
const sample = (seed: number) => ({ seed, url: `/v1/jobs/job_1/files/${seed}.png` });
const text = (delta: string, at: number): JobChange => ({ type: 'text', delta, at });
const begun = (index: number, at: number): JobChange => ({ type: 'image-started', index, seed: index + 5, at });
const preview = (index: number): JobChange => ({ type: 'preview', step: 1, images: ['AA=='], indices: [index] });
const finished = (index: number): JobChange => ({ type: 'sample', index, sample: sample(index + 5) });
const result = (fields: Partial<WireResult>): WireResult => ({
  samples: [],
  unknown_words: [],
  caption_cut: false,
  timings: { total: 1200 },
  ...fields,
});
const picture = (index: number, url: string | null, seen: string | null = null) => ({
  type: 'image',
  index,
  seed: index + 5,
  url,
  preview: seen,
});
const noisy = 'data:image/png;base64,AA==';

/** Two pictures are drawn at once while the words go on. */
const story = [text('One. ', 0), begun(0, 5), text('Two. ', 5), begun(1, 10), preview(0), preview(1), finished(1)];

describe('an answer that comes about', () => {
  it('has its pictures where the model began them, each as far as it is', () => {
    expect(answerParts(jobAfter(...story))).toEqual([
      { type: 'text', text: 'One. ' },
      picture(0, null, noisy),
      { type: 'text', text: 'Two. ' },
      picture(1, sample(6).url),
    ]);
    expect(answerParts(jobAfter(text('Two. ', 0), begun(0, 0)))).toMatchObject([{ index: 0 }, { text: 'Two. ' }]);
  });

  it('is the same when its events are read once more', () => {
    expect(answerParts(jobAfter(...story, ...story))).toEqual(answerParts(jobAfter(...story)));
  });

  it('forgets what stood behind words that were taken back', () => {
    const parts = answerParts(jobAfter(...story, text('2. ', 5)));
    expect(wordsOf(parts)).toBe('One. 2. ');
    expect(parts.filter(({ type }) => type === 'image')).toMatchObject([{ index: 0 }]);
  });

  it('never loses a word, wherever pictures stand', () => {
    fc.assert(
      fc.property(fc.string(), fc.array(fc.nat(40)), (words, places) => {
        const events = places.map((at, index) => begun(index, Math.min(at, words.length)));
        expect(wordsOf(answerParts(jobAfter(text(words, 0), ...events)))).toBe(words);
      }),
    );
  });
});

describe('an answer that is over', () => {
  it('is what the server says, whatever was seen before', () => {
    const content: WireAnswer['content'] = [
      { type: 'image', index: 0 },
      { type: 'text', text: 'Words.' },
    ];
    const answer: WireAnswer = { content, finish_reason: 'stop', seed: 5, prompt_tokens: 1, answer_tokens: 2 };
    const done = jobAfter(...story, { type: 'completed', result: result({ samples: [sample(5)], answer }) });
    expect(answerParts(done)).toEqual([picture(0, sample(5).url), { type: 'text', text: 'Words.' }]);
  });

  it('keeps what was written and drawn when it is stopped, without what had not begun to show', () => {
    const events = [...story, begun(2, 10)];
    const stopped = jobAfter(...events, { type: 'cancelled', result: result({ samples: [sample(6)] }) });
    expect(answerParts(stopped)).toEqual([
      { type: 'text', text: 'One. ' },
      picture(0, null, noisy),
      { type: 'text', text: 'Two. ' },
      picture(1, sample(6).url),
    ]);
    expect(answerParts(jobAfter({ type: 'cancelled' }))).toEqual([]);
  });

  it('has the pictures of a job that was cancelled while nobody watched', () => {
    const told = jobFromView({ ...view, status: 'cancelled', result: result({ samples: [sample(6)] }) });
    expect(answerParts(told)).toMatchObject([{ url: sample(6).url }]);
  });

  it('keeps the words of one that failed', () => {
    const failed = jobAfter(text('One. ', 0), { type: 'failed', error: { code: 'x', message: 'y' } });
    expect(answerParts(failed)).toEqual([{ type: 'text', text: 'One. ' }]);
  });
});

describe('the layout', () => {
  const parts = answerParts(jobAfter(text('One. Two. And so on.', 0), begun(0, 5), begun(1, 10), begun(2, 10)));

  it('puts few words above the picture that they lead to, in answers of several', () => {
    expect(laidOut(parts)).toMatchObject([
      { type: 'plate', text: 'One. ', picture: { index: 0 } },
      { type: 'plate', text: 'Two. ', picture: { index: 1 } },
      { type: 'plate', text: '', picture: { index: 2 } },
      { type: 'text', text: 'And so on.' },
    ]);
  });

  it('leaves one picture, and long words, as they are', () => {
    const one = answerParts(jobAfter(text('One. ', 0), begun(0, 5)));
    expect(laidOut(one)).toBe(one);
    const long = 'word '.repeat(60);
    const two = laidOut(answerParts(jobAfter(text(long, 0), begun(0, 300), begun(1, 300))));
    expect(two).toMatchObject([{ type: 'text', text: long }, { type: 'plate', text: '' }, { type: 'plate' }]);
  });
});
