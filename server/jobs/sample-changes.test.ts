/** Favourites and deleted pictures of jobs that are over. */
import { describe, expect, it } from 'vitest';
import { DuetError } from '../../src/core/errors.ts';
import { drawing, eventsOf, keepingStore, owner, setUp } from '../testing/in-process-jobs.ts';
import type { InProcessJobs } from './in-process.ts';

async function drawn(jobs: InProcessJobs, n = 3): Promise<string> {
  const { id } = await jobs.submit({ ...drawing, n }, { owner });
  await eventsOf(jobs, id);
  return id;
}

const samplesOf = (jobs: InProcessJobs, id: string) => jobs.view(id)!.result!.samples;
const fault = (change: Promise<void>) =>
  change.then(
    () => 'none',
    ({ code }: DuetError) => code,
  );

describe('a picture that is deleted', () => {
  it('leaves the others in their places, and is gone for good', async () => {
    const store = keepingStore();
    const { jobs } = await setUp({ store });
    const id = await drawn(jobs);
    const bytes = store.records.get(id)!.bytes;
    const file = await jobs.file(id, '1.png');
    await jobs.removePicture(id, 1);
    expect(samplesOf(jobs, id)).toMatchObject([{ seed: 5, file: '0.png' }, { seed: 6 }, { seed: 7, file: '2.png' }]);
    expect(samplesOf(jobs, id)[1]).toEqual({ seed: 6, removed: true });
    expect(await jobs.file(id, '1.png')).toBeUndefined();
    expect(await jobs.file(id, '2.png')).toBeDefined();
    expect(store.records.get(id)!.bytes).toBe(bytes - file!.length);
    const { jobs: later } = await setUp({ store });
    expect(samplesOf(later, id)).toEqual(samplesOf(jobs, id));
    expect(await fault(jobs.removePicture(id, 1))).toBe('not-found');
    expect(await fault(jobs.markSample(id, 1, true))).toBe('not-found');
  });

  it('is there until the store has deleted it', async () => {
    const store = keepingStore();
    const removeFiles = () => Promise.reject(new DuetError('overloaded', 'The bucket does not answer'));
    const { jobs } = await setUp({ store: { ...store, removeFiles } });
    const id = await drawn(jobs);
    expect(await fault(jobs.removePicture(id, 0))).toBe('overloaded');
    expect(samplesOf(jobs, id)[0]).toMatchObject({ file: '0.png' });
  });
});

describe('favourites', () => {
  it('are kept with the job, each change after the other', async () => {
    const store = keepingStore();
    const { jobs } = await setUp({ store });
    const id = await drawn(jobs);
    await Promise.all([
      jobs.markSample(id, 0, true),
      jobs.markSample(id, 2, true),
      jobs.removePicture(id, 1),
      jobs.markSample(id, 0, false),
    ]);
    expect(samplesOf(jobs, id).map(({ favourite }) => favourite)).toEqual([undefined, undefined, true]);
    expect(store.records.get(id)!.result).toEqual(jobs.view(id)!.result);
    expect((await eventsOf(jobs, id)).at(-1)).toMatchObject({ result: { samples: [{}, {}, { favourite: true }] } });
  });

  it('are not told of what could not be stored', async () => {
    const store = keepingStore();
    const save: typeof store.save = record =>
      record.result?.samples.some(({ favourite }) => favourite)
        ? Promise.reject(new DuetError('storage-full', 'The disk is full'))
        : store.save(record);
    const { jobs } = await setUp({ store: { ...store, save } });
    const id = await drawn(jobs);
    expect(await fault(jobs.markSample(id, 0, true))).toBe('storage-full');
    expect(samplesOf(jobs, id)[0]).not.toHaveProperty('favourite');
  });

  it('outlive the others', async () => {
    let time = 0;
    const { jobs } = await setUp({ now: () => time });
    const [old, kept] = [await drawn(jobs, 1), await drawn(jobs, 1)];
    await jobs.markSample(kept, 0, true);
    time = 100_000;
    await jobs.forgetExpired();
    expect([jobs.view(old), jobs.view(kept)?.id]).toEqual([undefined, kept]);
  });
});

describe('what cannot be changed', () => {
  it('is named: no such job, no such sample, a job that is not over or is being removed', async () => {
    const { jobs, model } = await setUp({ pace: 'stepwise' });
    const { id } = await jobs.submit(drawing, { owner });
    expect(await fault(jobs.markSample(id, 0, true))).toBe('job-running');
    expect(await fault(jobs.removePicture(id, 0))).toBe('job-running');
    model.advance();
    await eventsOf(jobs, id);
    expect(await fault(jobs.markSample(id, 1, true))).toBe('not-found');
    expect(await fault(jobs.markSample('no-such-job', 0, true))).toBe('not-found');
    const removed = jobs.remove(id);
    expect(await fault(jobs.markSample(id, 0, true))).toBe('not-found');
    expect(await removed).toBe(true);
  });
});
