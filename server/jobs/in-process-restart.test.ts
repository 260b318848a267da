/** Jobs when the process ends or has ended before. */
import { describe, expect, it } from 'vitest';
import { drawing, eventsOf, keepingStore, owner, setUp } from '../testing/in-process-jobs.ts';
import type { JobRecord } from './store.ts';

describe('a restart', () => {
  it('finishes what was waiting and running, and says so of what it cannot', async () => {
    const store = keepingStore();
    const before = await setUp({ pace: 'stepwise', limits: { maxRunning: 1 }, store });
    const running = await before.jobs.submit(drawing, { owner });
    const waiting = await before.jobs.submit(drawing, { owner, idempotencyKey: 'k' });
    void before.jobs.run(drawing, { owner, signal: new AbortController().signal }).catch(() => {});
    await expect.poll(() => store.records.size).toBe(3);
    const awaited = [...store.records.keys()].find(id => id !== running.id && id !== waiting.id)!;
    await expect.poll(() => store.records.get(running.id)!.status).toBe('running');

    const after = await setUp({ store: keepingStore(new Map(store.records)) });
    const events = await eventsOf(after.jobs, running.id);
    expect(events.at(-1)!.type).toBe('completed');
    expect(events[0]!.id).toBeGreaterThan(1_000_000); // behind all that clients saw before
    expect((await eventsOf(after.jobs, waiting.id))[0]!.id).toBeGreaterThan(1_000_000);
    expect(after.jobs.view(waiting.id)!.status).toBe('succeeded');
    expect((await after.jobs.submit(drawing, { owner, idempotencyKey: 'k' })).id).toBe(waiting.id);
    expect(after.jobs.view(awaited)).toMatchObject({ status: 'failed', error: { code: 'server-restarted' } });

    const failing = await setUp({ store: keepingStore(new Map(store.records)), unfinished: 'fail' });
    expect(failing.jobs.list({ owner, limit: 9 }).map(({ status }) => status)).toEqual(['failed', 'failed', 'failed']);
  });

  it('gives up on a job that was running at every crash', async () => {
    let records = new Map<string, JobRecord>();
    const first = await setUp({ pace: 'stepwise', store: keepingStore(records) });
    const { id } = await first.jobs.submit(drawing, { owner });
    for (let crash = 1; crash <= 3; crash++) {
      await expect.poll(() => records.get(id)!.attempts).toBe(crash);
      records = new Map(records);
      await setUp({ pace: 'stepwise', store: keepingStore(records) });
    }
    expect(records.get(id)).toMatchObject({ status: 'failed', attempts: 3 });
  });
});

describe('draining', () => {
  it('refuses new jobs, lets running ones end and leaves waiting ones to the next process', async () => {
    const store = keepingStore();
    const { jobs, model } = await setUp({ pace: 'stepwise', limits: { maxRunning: 1 }, store });
    const running = await jobs.submit(drawing, { owner });
    const waiting = await jobs.submit(drawing, { owner });
    const followed = eventsOf(jobs, waiting.id);
    const drained = jobs.drain(60_000);
    await expect(jobs.submit(drawing, { owner })).rejects.toMatchObject({ code: 'shutting-down' });
    expect((await followed).at(-1)!.type).toBe('queued');
    model.advance();
    await drained;
    expect(store.records.get(running.id)!.status).toBe('succeeded');
    expect(store.records.get(waiting.id)).toMatchObject({ status: 'queued', attempts: 0 });
  });

  it('stops at its deadline what still runs', async () => {
    const store = keepingStore();
    const { jobs } = await setUp({ pace: 'stepwise', store });
    const running = await jobs.submit(drawing, { owner });
    const awaited = jobs.run(drawing, { owner, signal: new AbortController().signal }).catch((error: unknown) => error);
    await expect.poll(() => jobs.running).toBe(2);
    await jobs.drain(0);
    expect(await awaited).toMatchObject({ code: 'shutting-down' });
    expect(store.records.get(running.id)).toMatchObject({ status: 'queued', attempts: 0 });
  });
});
