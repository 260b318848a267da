/** The job service: a job from its request to its end, admission, order, idempotency, history. */
import { describe, expect, it } from 'vitest';
import { DuetError } from '../../src/core/errors.ts';
import { drawing, eventsOf, keepingStore, limits, owner, setUp } from '../testing/in-process-jobs.ts';
import { memoryStore } from './memory-store.ts';
import type { JobStore } from './store.ts';
import type { JobEvent, JobRequest } from './types.ts';

describe('a job', () => {
  it('runs from queued to completed, with progress, previews and files', async () => {
    const { jobs } = await setUp();
    const { id } = await jobs.submit({ ...drawing, n: 2, steps: 4, previewEvery: 2 }, { owner });
    const events = await eventsOf(jobs, id);
    expect(events.at(-1)).toMatchObject({ type: 'completed', result: { id, samples: [{ seed: 5 }, { seed: 6 }] } });
    const ids = events.map(event => event.id);
    expect(ids).toEqual([...ids].sort((a, b) => a - b));
    expect(jobs.view(id)).toMatchObject({ status: 'succeeded', position: null, request: { prompt: 'an apple' } });
    const png = await jobs.file(id, '1.png');
    expect(Buffer.from(png!).toString('latin1', 1, 4)).toBe('PNG');
    expect(await jobs.file(id, '2.png')).toBeUndefined();
  });

  it('tells every preview while it runs, and the same end to whoever comes later', async () => {
    const { jobs } = await setUp();
    const seen: JobEvent[] = [];
    const result = await jobs.run(
      { ...drawing, steps: 4, previewEvery: 1 },
      { owner, signal: new AbortController().signal, onEvent: event => seen.push(event) },
    );
    expect(seen.slice(0, 3).map(({ type }) => type)).toEqual(['queued', 'started', 'progress']);
    expect(seen.filter(({ type }) => type === 'progress')).toHaveLength(4);
    expect(seen.filter(({ type }) => type === 'preview')).toHaveLength(4);
    expect(result.samples[0]!.png).toBeInstanceOf(Uint8Array);
    const [last, ...others] = await eventsOf(jobs, result.id);
    expect(others).toEqual([]);
    expect(last).toEqual(seen.at(-1));
    expect(await eventsOf(jobs, result.id, last!.id)).toEqual([]);
  });

  it('tells its caption with its end, once both are stored: a crash before that tells it later, not twice', async () => {
    const store = keepingStore();
    let release: (() => void) | undefined;
    const save: JobStore['save'] = async record => {
      if (record.status === 'succeeded') {
        await new Promise<void>(resolve => {
          release = resolve;
        });
      }
      await store.save(record);
    };
    const { jobs } = await setUp({ store: { ...store, save } });
    const seen: JobEvent[] = [];
    const options = { owner, signal: new AbortController().signal, onEvent: (event: JobEvent) => seen.push(event) };
    const result = jobs.run({ mode: 'joint', seed: 5, steps: 4 }, options);
    await expect.poll(() => release).toBeDefined();
    expect(jobs.list({ owner, limit: 1 })[0]!.status).toBe('running');
    expect(seen.at(-1)!.type).toBe('progress');
    release!();
    const { id, samples } = await result;
    const [text, completed] = seen.slice(-2);
    expect(text).toMatchObject({ type: 'text', delta: samples[0]!.caption });
    expect(completed).toMatchObject({ type: 'completed', id: text!.id + 1 });
    expect(await eventsOf(jobs, id, text!.id)).toEqual([completed]);
  });

  it('fails with the code of a known error, and with none of the inside of an unknown one', async () => {
    const known = await setUp({ failure: new DuetError('worker-died', 'the worker died') });
    const first = await known.jobs.submit(drawing, { owner });
    expect((await eventsOf(known.jobs, first.id)).at(-1)).toMatchObject({ error: { code: 'worker-died' } });
    expect(known.errors).toEqual([]);
    const unknown = await setUp({ failure: new TypeError('secret') });
    const second = await unknown.jobs.submit(drawing, { owner });
    const last = (await eventsOf(unknown.jobs, second.id)).at(-1);
    expect(last).toMatchObject({ type: 'failed', error: { code: 'generation-failed' } });
    expect(JSON.stringify(last)).not.toContain('secret');
    expect(unknown.errors).toMatchObject([{ err: { message: 'secret' }, job: second.id }]);
  });

  it.each([
    [{ mode: 't2i' }, /needs prompt/],
    [{ mode: 'i2t' }, /needs image/],
    [{ mode: 'interpolate', prompt: 'one end' }, /the mode interpolate needs prompt2 or image2/],
    [{ ...drawing, n: 5 }, /n must be .* from 1 to 4, got 5/],
    [{ ...drawing, steps: 0.5 }, /steps/],
    [{ ...drawing, guidance: Number.NaN }, /guidance/],
    [{ ...drawing, seed: 2 ** 32 }, /seed/],
    [{ ...drawing, prompt: 'a'.repeat(20_000) }, /20000 characters/],
    [{ ...drawing, solver: 'eluer' }, /solver must be one of/],
    [{ ...drawing, mode: 'unknown' }, /mode must be one of/],
  ])('is refused before it is queued: %j', async (request, message) => {
    const { jobs } = await setUp();
    await expect(jobs.submit(request as JobRequest, { owner })).rejects.toThrow(message);
    expect(jobs.list({ owner, limit: 10 })).toEqual([]);
  });
});

describe('admission', () => {
  it('runs so many at once, lets so many wait and refuses more with a time to come back', async () => {
    const { jobs, model } = await setUp({ pace: 'stepwise' });
    const views = [];
    for (let i = 0; i < 5; i++) views.push(await jobs.submit({ ...drawing, seed: i }, { owner }));
    expect([jobs.running, jobs.queued, jobs.hasRoom]).toEqual([2, 3, false]);
    expect(views.map(({ id }) => jobs.view(id)!.position)).toEqual([null, null, 0, 1, 2]);
    const refused = await jobs.submit(drawing, { owner }).catch((error: unknown) => error);
    expect(refused).toMatchObject({ code: 'queue-full' });
    expect((refused as DuetError).retryAfter).toBeGreaterThanOrEqual(1);
    model.advance();
    for (const { id } of views) expect((await eventsOf(jobs, id)).at(-1)!.type).toBe('completed');
    expect(jobs.hasRoom).toBe(true);
  });

  it('lets the highest priority go first, in the order of arrival among equals', async () => {
    const { jobs, model } = await setUp({ pace: 'stepwise', limits: { maxRunning: 1 } });
    const first = await jobs.submit(drawing, { owner });
    const later = [];
    for (const [seed, priority] of [
      [1, 0],
      [2, 0],
      [3, 5],
    ] as const) {
      later.push(await jobs.submit({ ...drawing, seed, priority }, { owner }));
    }
    expect(later.map(({ id }) => jobs.view(id)!.position)).toEqual([1, 2, 0]);
    const moved = eventsOf(jobs, later[1]!.id);
    model.advance();
    expect(await moved).toContainEqual(expect.objectContaining({ type: 'queued' }));
    await eventsOf(jobs, first.id);
    await eventsOf(jobs, later[0]!.id);
    expect(model.calls.map(({ options }) => options.seed)).toEqual([5, 3, 1, 2]);
  });

  it('limits the jobs of one owner alone', async () => {
    const { jobs } = await setUp({ pace: 'stepwise', limits: { keyConcurrency: 1 } });
    await jobs.submit(drawing, { owner });
    await expect(jobs.submit(drawing, { owner })).rejects.toMatchObject({ code: 'rate-limited' });
    await jobs.submit(drawing, { owner: 'another' });
    expect(jobs.list({ owner, limit: 10 })).toHaveLength(1);
  });

  it('gives the place back if the job cannot be stored', async () => {
    const store: JobStore = { ...memoryStore(), save: () => Promise.reject(new Error('no space left')) };
    const { jobs } = await setUp({ store });
    await expect(jobs.submit(drawing, { owner })).rejects.toThrow('no space left');
    expect([jobs.running, jobs.queued, jobs.list({ owner, limit: 10 }).length]).toEqual([0, 0, 0]);
  });
});

describe('idempotency keys', () => {
  it('make one job of one request sent twice, even at once', async () => {
    const { jobs, model } = await setUp();
    const options = { owner, idempotencyKey: 'k' };
    const request = { ...drawing, image: new Uint8Array([1]) };
    const [a, b] = await Promise.all([jobs.submit(request, options), jobs.submit(request, options)]);
    expect(b.id).toBe(a.id);
    await eventsOf(jobs, a.id);
    expect((await jobs.submit(request, options)).status).toBe('succeeded');
    expect(model.calls).toHaveLength(1);
    await expect(jobs.submit({ ...request, image: new Uint8Array([2]) }, options)).rejects.toThrow('another request');
    expect((await jobs.submit(request, { ...options, owner: 'another' })).id).not.toBe(a.id);
  });
});

describe('history', () => {
  it('is listed by owner, newest first, in pages', async () => {
    let time = 1_700_000_000_000;
    const { jobs } = await setUp({ now: () => time++, limits: { maxAgeMs: 1e9 } });
    const ids = [];
    for (let i = 0; i < 3; i++) {
      const { id } = await jobs.submit(drawing, { owner });
      await eventsOf(jobs, id);
      ids.unshift(id);
    }
    const page = jobs.list({ owner, limit: 2 });
    expect(page.map(({ id }) => id)).toEqual(ids.slice(0, 2));
    expect(jobs.list({ owner, limit: 2, before: page[1]!.id }).map(({ id }) => id)).toEqual(ids.slice(2));
    expect(jobs.list({ owner: 'another', limit: 2 })).toEqual([]);
    expect(await jobs.remove(ids[0]!)).toBe(true);
    expect(await jobs.remove(ids[0]!)).toBe(false);
    expect(await jobs.file(ids[0]!, '0.png')).toBeUndefined();
  });

  it('forgets what is too old, and knows that it did', async () => {
    let time = 1_700_000_000_000;
    const { jobs } = await setUp({ now: () => time });
    const { id } = await jobs.submit(drawing, { owner });
    await eventsOf(jobs, id);
    time += limits.maxAgeMs + 1;
    await jobs.forgetExpired();
    expect(jobs.view(id)).toBeUndefined();
    expect(jobs.cancel(id)).toBe('expired');
  });
});
