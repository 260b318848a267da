/** The queue on a real redis-server: workers that are killed, a Redis that restarts, jobs that are cancelled. */
import type { ChildProcess } from 'node:child_process';
import { setTimeout } from 'node:timers/promises';
import { Queue } from 'bullmq';
import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { buildApp } from '../../app.ts';
import { serverConfig } from '../../config.ts';
import { toProblem } from '../../errors.ts';
import { type FakeModelOptions, fakeModel, fakePicture } from '../../testing/fake-model.ts';
import { testFront } from '../../testing/redis-front.ts';
import { endOf, hasRedis, startProcess, type TestRedis, testRedis } from '../../testing/redis-processes.ts';
import type { InProcessJobs } from '../in-process.ts';
import type { JobLimits } from '../in-process-options.ts';
import type { JobEvent } from '../types.ts';
import { startRedisWorker } from './worker.ts';

const lockMs = 2000;
const owner = 'tester';
const log = { error: () => {} };
const patient = { timeout: 60_000 };

describe.skipIf(!hasRedis)('jobs on Redis (needs redis-server, a Debian package)', () => {
  let redis: TestRedis;
  let url: string;
  const ends: (() => Promise<unknown>)[] = [];

  beforeAll(async () => {
    redis = await testRedis();
    url = redis.url;
    await redis.start();
  });
  afterEach(async () => {
    for (const end of ends.splice(0)) await end();
  });
  afterAll(() => redis.remove());

  async function startFront(timeoutMs?: number, limits: Partial<JobLimits> = {}) {
    const { info } = fakeModel();
    const { close, ...opened } = await testFront(url, { info, timeoutMs, limits });
    ends.push(close);
    return opened;
  }

  async function startWorker(pace: 'instant' | 'stepwise' = 'instant', more: FakeModelOptions = {}) {
    const model = fakeModel({ pace, ...more });
    const worker = await startRedisWorker({ url, model, concurrency: 2, lockMs, log });
    ends.push(() => worker.close(0));
    return model;
  }

  /** A worker in a process of its own whose jobs never end. */
  async function startStuckWorker(): Promise<ChildProcess> {
    const child = await startProcess('redis-worker-process.ts', url, 'stepwise', String(lockMs), '200');
    ends.push(() => endOf(child, 'SIGKILL'));
    return child;
  }

  async function activeJobs(): Promise<number> {
    const queue = new Queue('duet-fake', { connection: { url } });
    const count = await queue.getActiveCount();
    await queue.close();
    return count;
  }

  async function lastEvents(jobs: InProcessJobs, ids: readonly string[]): Promise<string[]> {
    const follow = async (id: string) => {
      let last: JobEvent | undefined;
      for await (const event of jobs.events(id)) last = event;
      return last!.type;
    };
    return Promise.all(ids.map(follow));
  }

  const submit = async (jobs: InProcessJobs, count: number) => {
    const submitted = Array.from({ length: count }, (_, seed) =>
      jobs.submit({ mode: 'i2t2i', image: new Uint8Array([seed]), seed, previewEvery: 2 }, { owner }),
    );
    return (await Promise.all(submitted)).map(({ id }) => id);
  };

  it('runs them on workers, with pictures in and out and previews on the way', async () => {
    const { jobs } = await startFront();
    const model = await startWorker();
    const events: JobEvent[] = [];
    const { signal } = new AbortController();
    const request = { mode: 'i2t2i', image: new Uint8Array([1, 2]), seed: 9, previewEvery: 1 } as const;
    const result = await jobs.run(request, { owner, signal, onEvent: event => events.push(event) });
    expect(result.samples[0]).toMatchObject({ seed: 9, caption: 'a fake caption 9', width: 16 });
    expect(Buffer.from(result.samples[0]!.png!).toString('latin1', 1, 4)).toBe('PNG');
    expect([...(model.calls[0]!.inputs[0] as Uint8Array)]).toEqual([1, 2]);
    expect(events.map(({ type }) => type)).toEqual(expect.arrayContaining(['started', 'progress', 'preview']));
  });

  it('gives the jobs of a killed worker to another one, each once', async () => {
    const { jobs } = await startFront();
    const child = await startStuckWorker();
    const ids = await submit(jobs, 6);
    await expect.poll(activeJobs, patient).toBe(4); // as many as it takes at once
    const model = await startWorker();
    await endOf(child, 'SIGKILL');
    expect(new Set(await lastEvents(jobs, ids))).toEqual(new Set(['completed']));
    const seeds = model.calls.map(({ options }) => options.seed);
    expect(seeds.sort()).toEqual([0, 1, 2, 3, 4, 5]);
  });

  it('loses none when Redis is killed and comes back', async () => {
    const { jobs } = await startFront();
    const ids = await submit(jobs, 4);
    await expect.poll(async () => jobs.running, patient).toBe(4);
    await redis.stop('SIGKILL');
    const late = submit(jobs, 2);
    await redis.start();
    const model = await startWorker();
    const all = [...ids, ...(await late)];
    expect(new Set(await lastEvents(jobs, all))).toEqual(new Set(['completed']));
    expect(model.calls.length).toBeGreaterThanOrEqual(6);
  });

  it('keeps what a cancelled one has finished', async () => {
    const { jobs } = await startFront();
    const model = await startWorker('stepwise', { staggered: true });
    const { id } = await jobs.submit({ mode: 'joint', n: 4, seed: 3, steps: 4 }, { owner });
    model.advance(2);
    for await (const event of jobs.events(id)) if (event.type === 'sample' && event.index === 1) jobs.cancel(id);
    const kept = [3, 4].map((seed, index) => ({ seed, caption: `a fake caption ${seed}`, file: `${index}.png` }));
    expect(jobs.view(id)).toMatchObject({ status: 'cancelled', result: { samples: kept } });
    expect(Buffer.from((await jobs.file(id, '1.png'))!).toString('latin1', 1, 4)).toBe('PNG');
    await expect.poll(activeJobs, patient).toBe(0);
  });

  it('cancels them while they wait and while they run', async () => {
    const { jobs } = await startFront();
    const [waiting] = await submit(jobs, 1);
    await expect.poll(async () => jobs.view(waiting!)!.status, patient).toBe('running');
    jobs.cancel(waiting!);
    expect(await lastEvents(jobs, [waiting!])).toEqual(['cancelled']);
    const model = await startWorker('stepwise');
    const [running] = await submit(jobs, 1);
    await expect.poll(() => model.calls.length, patient).toBeGreaterThanOrEqual(1);
    const { signal } = model.calls.at(-1)!.options;
    jobs.cancel(running!);
    await expect.poll(() => signal!.aborted, patient).toBe(true);
    expect(await lastEvents(jobs, [running!])).toEqual(['cancelled']);
  });

  it('lets a stopped worker give back at its deadline what it has not finished', async () => {
    const { jobs } = await startFront();
    const child = await startStuckWorker();
    const ids = await submit(jobs, 6);
    await expect.poll(activeJobs, patient).toBe(4);
    expect(await endOf(child, 'SIGTERM')).toBe(0);
    expect(await activeJobs()).toBe(0); // nobody has to find out
    const model = await startWorker();
    expect(new Set(await lastEvents(jobs, ids))).toEqual(new Set(['completed']));
    expect(model.calls).toHaveLength(6);
  });

  it('lets a stopped worker finish what it can, and take nothing more', async () => {
    const { jobs } = await startFront();
    const model = fakeModel({ pace: 'stepwise' });
    const worker = await startRedisWorker({ url, model, concurrency: 2, lockMs, log });
    const ids = await submit(jobs, 3);
    await expect.poll(() => model.calls.length, patient).toBe(2);
    const closed = worker.close(60_000);
    model.advance();
    await closed;
    expect(model.calls).toHaveLength(2);
    await startWorker();
    expect(await lastEvents(jobs, ids)).toEqual(['completed', 'completed', 'completed']);
  });

  it('runs a job again whose worker lost Redis for longer than its lock, and tells its end once', async () => {
    const { jobs } = await startFront();
    const model = await startWorker('stepwise');
    const [id] = await submit(jobs, 1);
    const events: JobEvent[] = [];
    const followed = (async () => {
      for await (const event of jobs.events(id!)) events.push(event);
    })();
    await expect.poll(() => model.calls.length, patient).toBe(1);
    await redis.stop('SIGTERM');
    await setTimeout(lockMs * 1.5);
    await redis.start();
    await expect.poll(() => model.calls.length, patient).toBe(2);
    expect(model.calls[0]!.options.signal!.aborted).toBe(true);
    await setTimeout(lockMs * 3); // its lock is renewed, though an older run of it ended here
    model.advance();
    await followed;
    expect(model.calls).toHaveLength(2);
    expect(events.filter(({ type }) => type === 'text' || type === 'completed').map(({ type }) => type)).toEqual([
      'text',
      'completed',
    ]);
  });

  describe('while Redis is away', () => {
    it('answers 503 to those who wait on a connection, and takes the jobs of others', async () => {
      const { jobs } = await startFront(500);
      await redis.stop('SIGKILL');
      const { signal } = new AbortController();
      const request = { mode: 't2i', prompt: 'an apple' } as const;
      const refusal = await jobs.run(request, { owner, signal }).catch((error: unknown) => error);
      expect(toProblem(refusal)).toMatchObject({ status: 503, code: 'overloaded', retryAfter: 5 });
      const ids = await submit(jobs, 2);
      await redis.start();
      const model = await startWorker();
      expect(await lastEvents(jobs, ids)).toEqual(['completed', 'completed']);
      expect(model.calls.map(({ mode }) => mode)).toEqual(['i2t2i', 'i2t2i']);
    });

    const drawing = { mode: 't2i', prompt: 'an apple' } as const;
    const objections = (jobs: InProcessJobs) => jobs.checks.flatMap(({ objection }) => objection() ?? []);

    /** `count` requests that wait for their answer; only one of them runs at a time. */
    const ask = (jobs: InProcessJobs, count: number) => {
      const { signal } = new AbortController();
      return Promise.allSettled(Array.from({ length: count }, () => jobs.run(drawing, { owner, signal })));
    };

    async function expectRefused(jobs: InProcessJobs, asked: ReturnType<typeof ask>): Promise<void> {
      for (const answer of await asked) {
        expect(toProblem((answer as PromiseRejectedResult).reason)).toMatchObject({ status: 503, retryAfter: 5 });
      }
      await expect.poll(() => [jobs.queued, jobs.running], patient).toEqual([0, 0]);
      expect(objections(jobs)).toEqual([expect.stringContaining('queue of the workers')]);
    }

    async function expectServed(jobs: InProcessJobs): Promise<void> {
      await expect.poll(() => objections(jobs), patient).toEqual([]);
      expect((await ask(jobs, 2)).map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled']);
    }

    it('answers 503 to those too whose jobs wait behind others, and says that it is not ready', async () => {
      const { jobs } = await startFront(500, { maxRunning: 1 });
      const asked = ask(jobs, 3);
      await expect.poll(() => [jobs.running, jobs.queued], patient).toEqual([1, 2]);
      await redis.stop('SIGKILL');
      await expectRefused(jobs, asked);
      await expectRefused(jobs, ask(jobs, 2));
      await redis.start();
      await startWorker();
      await expectServed(jobs);
    });

    it('notices a Redis that hangs', async () => {
      const { jobs } = await startFront(500, { maxRunning: 1 });
      redis.freeze(true);
      await expectRefused(jobs, ask(jobs, 3));
      redis.freeze(false);
      await startWorker();
      await expectServed(jobs);
    });

    it('notices a Redis that takes no writes', async () => {
      const { jobs } = await startFront(500, { maxRunning: 1 });
      const admin = new Redis(url);
      await admin.config('SET', 'maxmemory', '1');
      await expectRefused(jobs, ask(jobs, 3));
      await admin.config('SET', 'maxmemory', '0');
      await admin.quit();
      await startWorker();
      await expectServed(jobs);
    });

    it('tells every family of clients, streams too', async () => {
      const { info } = fakeModel();
      const config = serverConfig({ queue: url, data: null, maxRunning: 1, maxEventLoopDelay: 0 });
      const app = await buildApp({ config, models: [{ info, model: null }], pageFolder: '/nowhere' });
      ends.push(() => app.close());
      const post = (path: string, payload: object, headers = {}) =>
        app.inject({ method: 'POST', url: path, payload, headers });
      const { prompt } = drawing;
      const image = `data:image/png;base64,${Buffer.from(await fakePicture(1).toPng()).toString('base64')}`;
      const messages = [{ role: 'user', content: [{ type: 'image_url', image_url: { url: image } }] }];
      const prediction = '/replicate/v1/models/duet/fake/predictions';
      const answers = Promise.all([
        post('/v1/images/generations', { prompt }),
        post('/v1/chat/completions', { messages }),
        post('/sdapi/v1/txt2img', { prompt }),
        post(prediction, { input: { prompt } }, { prefer: 'wait=600' }),
        post('/v1/images/generations', { prompt, stream: true }),
        post('/v1/chat/completions', { messages, stream: true }),
      ]);
      await expect.poll(async () => (await app.inject('/health/ready')).json().queued, patient).toBe(5);
      await redis.stop('SIGKILL');
      const [openai, chat, sdapi, replicate, ...streams] = await answers;
      for (const answer of [openai, chat, sdapi, replicate]) {
        expect([answer!.statusCode, answer!.headers['retry-after']], answer!.body).toEqual([503, '5']);
        expect(answer!.body).toContain('The queue of the workers cannot be reached');
      }
      expect(openai!.json().error.code).toBe('overloaded');
      expect(sdapi!.json().detail).toContain('queue of the workers');
      expect(replicate!.json()).toMatchObject({ status: 503, title: 'Service Unavailable' });
      for (const stream of streams) expect(stream.body).toMatch(/event: error\ndata: .*overloaded/);
      const ready = await app.inject('/health/ready');
      expect([ready.statusCode, ready.json().status]).toEqual([503, 'no-queue']);
      await redis.start();
      await expect.poll(async () => (await app.inject('/health/ready')).json().status, patient).toBe('ready');
    });

    it('lets the front and workers stop', async () => {
      const { jobs, front } = await startFront();
      const child = await startStuckWorker();
      const ids = await submit(jobs, 2);
      await expect.poll(activeJobs, patient).toBe(2);
      await redis.stop('SIGKILL');
      await jobs.drain(0);
      await front.close();
      expect(await endOf(child, 'SIGTERM')).toBe(0);
      expect(ids.map(id => jobs.view(id)!.status)).toEqual(['failed', 'failed']);
      await redis.start();
    });
  });
});
