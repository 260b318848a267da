/** The job service with a stand-in model: admission, order, events, cancellation, idempotency, draining, restarts. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DuetError } from '../../src/core/errors.ts';
import { readParameters } from '../../src/image/index.ts';
import { withLimits } from '../served-options.ts';
import { type FakeModelOptions, fakeModel } from '../testing/fake-model.ts';
import { InProcessJobs } from './in-process.ts';
import type { JobLimits } from './in-process-options.ts';
import { memoryStore } from './memory-store.ts';
import type { JobRecord, JobStore } from './store.ts';
import type { JobEvent, JobRequest } from './types.ts';

const limits: JobLimits = {
  maxRunning: 2,
  maxQueue: 3,
  keyConcurrency: 0,
  maxAgeMs: 1000,
  maxBytes: 1e9,
  maxJobs: 100,
};
const owner = 'tester';
const drawing: JobRequest = { mode: 't2i', prompt: 'an apple', seed: 5 };

interface Setup extends FakeModelOptions {
  readonly limits?: Partial<JobLimits>;
  readonly unfinished?: 'requeue' | 'fail';
  readonly store?: JobStore;
  readonly now?: () => number;
}

async function setUp({ limits: some, unfinished = 'requeue', store, now, ...options }: Setup = {}) {
  const model = fakeModel(options);
  const errors: object[] = [];
  const jobs = await InProcessJobs.open({
    models: [withLimits(model, { maxSamples: 4, maxSteps: 50 })],
    store: store ?? memoryStore(),
    limits: { ...limits, ...some },
    unfinished,
    log: { error: details => errors.push(details) },
    observers: [],
    version: '0.0.0',
    ...(now && { now }),
  });
  return { jobs, model, errors };
}

async function eventsOf(jobs: InProcessJobs, id: string, after = 0): Promise<JobEvent[]> {
  const events: JobEvent[] = [];
  for await (const event of jobs.events(id, { after })) events.push(event);
  return events;
}

/** A store that remembers, as files would. */
function keepingStore(records = new Map<string, JobRecord>()): JobStore & { records: Map<string, JobRecord> } {
  return {
    ...memoryStore(),
    records,
    load: async () => [...records.values()],
    save: async record => {
      records.set(record.id, structuredClone(record));
    },
    remove: async id => {
      records.delete(id);
    },
  };
}

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

const samplesOf = (events: readonly JobEvent[]) =>
  events.flatMap(event => (event.type === 'sample' ? [event.sample] : []));

describe('cancelling', () => {
  it('stops a waiting and a running job, and says what is over or unknown', async () => {
    const { jobs, model } = await setUp({ pace: 'stepwise', limits: { maxRunning: 1 } });
    const running = await jobs.submit(drawing, { owner });
    const waiting = await jobs.submit(drawing, { owner });
    expect(jobs.cancel(waiting.id)).toBe('cancelled');
    expect(jobs.cancel(running.id)).toBe('cancelled');
    expect(jobs.view(running.id)!.status).toBe('cancelled');
    expect(jobs.cancel(running.id)).toBe('over');
    expect(jobs.cancel('job_unknown')).toBe('unknown');
    expect((await eventsOf(jobs, waiting.id)).at(-1)!.type).toBe('cancelled');
    const next = await jobs.submit(drawing, { owner });
    model.advance();
    expect((await eventsOf(jobs, next.id)).at(-1)!.type).toBe('completed');
    expect(model.calls).toHaveLength(2);
  });

  it('keeps the samples that are finished, as files and in the history, and tells which', async () => {
    const records = new Map<string, JobRecord>();
    const { jobs, model } = await setUp({ pace: 'stepwise', staggered: true, store: keepingStore(records) });
    const { id } = await jobs.submit({ ...drawing, n: 4, steps: 4 }, { owner });
    const events: JobEvent[] = [];
    for await (const event of jobs.events(id)) {
      events.push(event);
      if (event.type === 'started' || (event.type === 'progress' && event.step < 2)) model.advance(1);
      if (samplesOf(events).length === 2) jobs.cancel(id);
    }
    const kept = [5, 6].map((seed, index) => ({ seed, file: `${index}.png`, width: 16, height: 16 }));
    // Each is told as soon as it is stored, which may be in another order.
    expect(samplesOf(events).sort((a, b) => a.seed - b.seed)).toEqual(kept);
    expect(events.at(-1)).toMatchObject({ type: 'cancelled', result: { samples: kept } });
    expect(jobs.view(id)).toMatchObject({ status: 'cancelled', result: { samples: kept } });
    expect(records.get(id)).toMatchObject({ status: 'cancelled', result: { samples: kept } });
    const files = await Promise.all(['0.png', '1.png', '2.png'].map(name => jobs.file(id, name)));
    const seeds = files.map(file => file && readParameters(file)?.parameters?.['seed']);
    expect(seeds).toEqual([5, 6, undefined]);
    expect(records.get(id)!.bytes).toBe(files[0]!.length + files[1]!.length);
    expect(await eventsOf(jobs, id)).toEqual([events.at(-1)]);
    expect(await jobs.remove(id)).toBe(true);
    expect(await jobs.file(id, '0.png')).toBeUndefined();
  });

  it('keeps all samples if it comes while they are stored, and waits with their files', async () => {
    const writes: (() => void)[] = [];
    const store = memoryStore();
    const writeFile: JobStore['writeFile'] = async (...args) => {
      await new Promise<void>(resolve => writes.push(resolve));
      await store.writeFile(...args);
    };
    const { jobs } = await setUp({ store: { ...store, writeFile } });
    const { id } = await jobs.submit({ ...drawing, n: 2 }, { owner });
    await expect.poll(() => writes.length).toBe(2);
    expect(jobs.cancel(id)).toBe('cancelled');
    expect(jobs.view(id)).toMatchObject({ status: 'cancelled', result: { samples: [{ seed: 5 }, { seed: 6 }] } });
    const file = jobs.file(id, '1.png');
    for (const write of writes) write();
    expect(await file).toBeDefined();
    expect((await eventsOf(jobs, id)).at(-1)).toMatchObject({ type: 'cancelled', result: { samples: [{}, {}] } });
  });

  it('leaves out of what is kept a sample that cannot be stored', async () => {
    const store = memoryStore();
    const writeFile: JobStore['writeFile'] = async (id, name, bytes) => {
      if (name === '0.png') throw new DuetError('storage-full', 'no space left');
      await store.writeFile(id, name, bytes);
    };
    const { jobs, model, errors } = await setUp({ pace: 'stepwise', staggered: true, store: { ...store, writeFile } });
    const { id } = await jobs.submit({ ...drawing, n: 4, steps: 4 }, { owner });
    model.advance(3);
    for await (const event of jobs.events(id)) if (event.type === 'sample' && event.index === 2) jobs.cancel(id);
    expect(jobs.view(id)!.result!.samples.map(({ seed }) => seed)).toEqual([6, 7]);
    expect(errors).toMatchObject([{ err: { code: 'storage-full' } }]);
  });

  it('follows the signal of a caller that waits', async () => {
    const { jobs, model } = await setUp({ pace: 'stepwise' });
    const controller = new AbortController();
    const onEvent = (event: JobEvent) => event.type === 'started' && controller.abort(new Error('gone'));
    await expect(jobs.run(drawing, { owner, signal: controller.signal, onEvent })).rejects.toThrow('gone');
    model.advance();
    await expect(jobs.run(drawing, { owner, signal: controller.signal })).rejects.toThrow('gone');
    expect(jobs.list({ owner, limit: 10 }).map(({ status }) => status)).toEqual(['cancelled']);
  });

  it('keeps every place in the line true, whatever comes and goes', async () => {
    const actions = fc.array(fc.oneof(fc.constant('submit'), fc.constant('step'), fc.nat(20)), { maxLength: 40 });
    await fc.assert(
      fc.asyncProperty(actions, async list => {
        const { jobs, model } = await setUp({ pace: 'stepwise' });
        const ids: string[] = [];
        for (const action of list) {
          if (action === 'submit')
            await jobs.submit(drawing, { owner }).then(
              ({ id }) => ids.push(id),
              () => {},
            );
          else if (action === 'step') model.advance(1);
          else jobs.cancel(ids[Number(action)] ?? '');
          const waiting = ids.flatMap(id => jobs.view(id)!.position ?? []);
          expect(waiting).toEqual(waiting.map((_, index) => index));
          expect(jobs.running).toBeLessThanOrEqual(limits.maxRunning);
        }
        model.advance();
        for (const id of ids) await eventsOf(jobs, id);
        expect([jobs.queued, ids.filter(id => !jobs.view(id)!.ended)]).toEqual([0, []]);
      }),
      { numRuns: 25 },
    );
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
