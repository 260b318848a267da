/** The queue on a real redis-server: workers that are killed, a Redis that restarts, jobs that are cancelled. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { Queue } from 'bullmq';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { fakeModel } from '../../testing/fake-model.ts';
import { jobLimits } from '../../testing/job-limits.ts';
import { InProcessJobs } from '../in-process.ts';
import { memoryStore } from '../memory-store.ts';
import type { JobEvent } from '../types.ts';
import { openRedisFront, type RedisFront } from './front.ts';
import { startRedisWorker } from './worker.ts';

const hasRedis = spawnSync('redis-server', ['--version']).status === 0;
const lockMs = 2000;
const owner = 'tester';
const log = { error: () => {} };

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  return port;
}

describe.skipIf(!hasRedis)('jobs on Redis (needs redis-server, a Debian package)', () => {
  let folder: string;
  let port: number;
  let url: string;
  let redis: ChildProcess;
  const ends: (() => Promise<unknown>)[] = [];

  /** With every write in its append-only file before it is answered. */
  async function startRedis(): Promise<void> {
    const flags = [
      '--port',
      String(port),
      '--dir',
      folder,
      '--save',
      '',
      '--appendonly',
      'yes',
      '--appendfsync',
      'always',
    ];
    redis = spawn('redis-server', flags, { stdio: ['ignore', 'pipe', 'inherit'] });
    for await (const line of createInterface(redis.stdout!)) if (line.includes('Ready to accept')) break;
    redis.stdout!.resume();
  }

  async function stopRedis(): Promise<void> {
    const exited = once(redis, 'exit');
    redis.kill('SIGKILL');
    await exited;
  }

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'duet-redis-'));
    port = await freePort();
    url = `redis://127.0.0.1:${port}`;
    await startRedis();
  });
  afterEach(async () => {
    for (const end of ends.splice(0)) await end();
  });
  afterAll(async () => {
    await stopRedis();
    await rm(folder, { recursive: true });
  });

  async function startFront(): Promise<{ jobs: InProcessJobs; front: RedisFront }> {
    const front = await openRedisFront(url, 'fake', () => {});
    const { info } = fakeModel();
    const jobs = await InProcessJobs.open({
      models: [{ info, model: null }],
      store: memoryStore(),
      limits: jobLimits({ maxRunning: 50, maxQueue: 50 }),
      unfinished: 'fail',
      log,
      observers: [front.observer],
      perform: front.perform,
      version: '0.0.0',
    });
    ends.push(async () => {
      await jobs.drain(0);
      await front.close();
    });
    return { jobs, front };
  }

  async function startWorker() {
    const model = fakeModel();
    const worker = await startRedisWorker({ url, model, concurrency: 2, lockMs, log });
    ends.push(() => worker.close(0));
    return model;
  }

  /** A worker in a process of its own whose jobs never end. */
  async function startStuckWorker(): Promise<ChildProcess> {
    const script = fileURLToPath(new URL('../../testing/redis-worker-process.ts', import.meta.url));
    const args = ['--import', 'tsx', script, url, 'stepwise', String(lockMs)];
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    ends.push(async () => child.kill('SIGKILL'));
    await once(createInterface(child.stdout!), 'line');
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
    await expect.poll(activeJobs, { timeout: 60_000 }).toBe(4); // as many as it takes at once
    const model = await startWorker();
    child.kill('SIGKILL');
    expect(new Set(await lastEvents(jobs, ids))).toEqual(new Set(['completed']));
    const seeds = model.calls.map(({ options }) => options.seed);
    expect(seeds.sort()).toEqual([0, 1, 2, 3, 4, 5]);
  });

  it('loses none when Redis is killed and comes back', async () => {
    const { jobs } = await startFront();
    const ids = await submit(jobs, 4);
    await expect.poll(async () => jobs.running, { timeout: 60_000 }).toBe(4);
    await stopRedis();
    const late = submit(jobs, 2);
    await startRedis();
    const model = await startWorker();
    const all = [...ids, ...(await late)];
    expect(new Set(await lastEvents(jobs, all))).toEqual(new Set(['completed']));
    expect(model.calls.length).toBeGreaterThanOrEqual(6);
  });

  it('cancels them while they wait and while they run', async () => {
    const { jobs } = await startFront();
    const [waiting] = await submit(jobs, 1);
    await expect.poll(async () => jobs.view(waiting!)!.status, { timeout: 60_000 }).toBe('running');
    jobs.cancel(waiting!);
    expect(await lastEvents(jobs, [waiting!])).toEqual(['cancelled']);
    const model = fakeModel({ pace: 'stepwise' });
    const worker = await startRedisWorker({ url, model, concurrency: 2, lockMs, log });
    ends.push(() => worker.close(0));
    const [running] = await submit(jobs, 1);
    await expect.poll(() => model.calls.length, { timeout: 60_000 }).toBeGreaterThanOrEqual(1);
    const { signal } = model.calls.at(-1)!.options;
    jobs.cancel(running!);
    await expect.poll(() => signal!.aborted, { timeout: 60_000 }).toBe(true);
    expect(await lastEvents(jobs, [running!])).toEqual(['cancelled']);
  });
});
