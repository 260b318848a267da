/** What every place that keeps jobs must do, folder or bucket. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fakeModel } from '../testing/fake-model.ts';
import { jobLimits } from '../testing/job-limits.ts';
import { type TestS3, testS3 } from '../testing/test-s3.ts';
import { openFileStore } from './file-store.ts';
import { InProcessJobs } from './in-process.ts';
import { createJobId } from './job-id.ts';
import { newRecord } from './records.ts';
import { openS3Store } from './s3-store.ts';
import type { JobRecord, JobStore } from './store.ts';

let folder: string;
let s3: TestS3;
let places = 0;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'duet-stores-'));
  s3 = await testS3();
});
afterAll(async () => {
  await s3.remove();
  await rm(folder, { recursive: true });
});

type Open = (place: number, warn?: (message: string) => void) => Promise<JobStore>;

const kinds: readonly (readonly [string, Open])[] = [
  ['a folder', (place, warn = () => {}) => openFileStore(join(folder, String(place)), warn)],
  ['a bucket', (place, warn = () => {}) => openS3Store(s3.place(`s3://duet/test/${place}`), warn)],
];

const drawing = { mode: 't2i', prompt: 'an apple' } as const;

function record(now = Date.now()): JobRecord {
  return newRecord(drawing, { owner: 'tester', isAwaited: false }, now).record;
}

describe.each(kinds)('jobs in %s', (_, open) => {
  const jobsOf = (store: JobStore, maxJobs = 100) =>
    InProcessJobs.open({
      models: [fakeModel()],
      store,
      limits: jobLimits({ maxJobs }),
      unfinished: 'requeue',
      log: { error: details => expect.fail(JSON.stringify(details)) },
      observers: [],
      version: '0.0.0',
    });

  it('gives back records and files, the oldest first', async () => {
    const place = places++;
    const store = await open(place);
    const [older, newer] = [record(1_700_000_000_000), record(1_700_090_000_000)];
    await store.save(newer);
    await store.save(older);
    await store.save({ ...older, status: 'running', attempts: 1 });
    await store.writeFile(older.id, '0.png', new Uint8Array([1, 2]));
    await store.writeFile(older.id, 'mask', new Uint8Array());
    await store.close();
    const again = await open(place);
    expect((await again.load()).map(({ id, attempts }) => [id, attempts])).toEqual([
      [older.id, 1],
      [newer.id, 0],
    ]);
    expect([...(await again.readFile(older.id, '0.png'))!]).toEqual([1, 2]);
    expect([...(await again.readFile(older.id, 'mask'))!]).toEqual([]);
    expect(await again.readFile(older.id, '1.png')).toBeUndefined();
    await again.remove(older.id);
    expect(await again.readFile(older.id, '0.png')).toBeUndefined();
    await again.remove(older.id);
    await again.close();
    const last = await open(place);
    expect(await last.load()).toEqual([newer]);
    await last.close();
  });

  it.each(['../job.json', '..', 'job.json', '.hidden', 'a/b', 'a\\b', '', 'x\0.png', 'a.writing/..', '%2e%2e%2fx'])(
    'reads no file outside of the job: %j',
    async name => {
      const store = await open(places++);
      const saved = record();
      await store.save(saved);
      expect(await store.readFile(saved.id, name)).toBeUndefined();
      expect(await store.readFile('../..', '0.png')).toBeUndefined();
      if (name !== 'job.json') await expect(store.writeFile(saved.id, name, new Uint8Array())).rejects.toThrow('name');
      await store.close();
    },
  );

  it('sweeps what was never admitted', async () => {
    const place = places++;
    const store = await open(place);
    const id = createJobId(Date.now());
    await store.writeFile(id, 'image', new Uint8Array([1]));
    await store.close();
    const again = await open(place);
    expect(await again.load()).toEqual([]);
    expect(await again.readFile(id, 'image')).toBeUndefined();
    await again.close();
  });

  it('keeps the history through a restart, and does what was left unfinished', async () => {
    const place = places++;
    const first = await jobsOf(await open(place));
    const { id } = await first.submit(drawing, { owner: 'tester' });
    for await (const _ of first.events(id));
    const picture = await first.file(id, '0.png');
    await first.drain(0);
    await first.close();
    const between = await open(place);
    const unfinished = { ...record(), status: 'running', attempts: 1 } as const;
    const model = fakeModel().info.id;
    await between.save({ ...unfinished, request: { ...unfinished.request, model } });
    await between.close();
    const second = await jobsOf(await open(place));
    expect(second.view(id)).toMatchObject({ status: 'succeeded', request: { prompt: 'an apple' } });
    expect(picture!.length).toBeGreaterThan(100);
    expect(Buffer.from((await second.file(id, '0.png'))!).equals(Buffer.from(picture!))).toBe(true);
    for await (const _ of second.events(unfinished.id));
    expect(second.view(unfinished.id)!.status).toBe('succeeded');
    await second.drain(0);
    await second.close();
  });

  it('lets the oldest go with their files', async () => {
    const place = places++;
    const jobs = await jobsOf(await open(place), 2);
    const ids: string[] = [];
    for (let count = 0; count < 4; count++) {
      const { id } = await jobs.submit(drawing, { owner: 'tester' });
      for await (const _ of jobs.events(id));
      ids.push(id);
    }
    await expect.poll(() => ids.filter(id => jobs.view(id)).length, { timeout: 60_000 }).toBe(2);
    await jobs.drain(0);
    await jobs.close();
    await expect
      .poll(
        async () => {
          const store = await open(place);
          const kept = (await store.load()).map(({ id }) => id);
          const pictures = await Promise.all(ids.map(id => store.readFile(id, '0.png')));
          await store.close();
          return [kept.length, pictures.filter(Boolean).length];
        },
        { timeout: 60_000 },
      )
      .toEqual([2, 2]);
  });
});
