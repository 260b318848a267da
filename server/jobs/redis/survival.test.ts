/**
 * Everything dies under load, on a real redis-server: workers, Redis (twice), the front. Clients are real ones over HTTP; each
 * checks that its jobs end once, with the result that was asked for.
 */
import type { ChildProcess } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Queue } from 'bullmq';
import { Redis } from 'ioredis';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { serverConfig } from '../../config.ts';
import { type RunningServer, startServer } from '../../serve.ts';
import { fakeModel } from '../../testing/fake-model.ts';
import { JobClient } from '../../testing/job-client.ts';
import { endOf, freePort, hasRedis, startProcess, type TestRedis, testRedis } from '../../testing/redis-processes.ts';

const lockMs = '3000';
const stepMs = '40';
const drainMs = '60000';
const clientCount = 8;
const testMs = 300_000;
const patient = { timeout: 90_000, interval: 100 };

describe.skipIf(!hasRedis)('scale-out while things die (needs redis-server, a Debian package)', () => {
  let redis: TestRedis;
  let folder: string;
  let queue: Queue;
  const children: ChildProcess[] = [];
  const ends: (() => Promise<unknown>)[] = [];

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'duet-survival-'));
    redis = await testRedis();
    await redis.start();
    queue = new Queue('duet-fake', { connection: { url: redis.url, retryStrategy: () => 200 } });
    queue.on('error', () => {});
  });
  afterEach(async () => {
    for (const end of ends.splice(0)) await end();
    await Promise.all(children.splice(0).map(child => endOf(child, 'SIGKILL')));
    await queue.close();
    await redis.remove();
    await rm(folder, { recursive: true });
  });

  async function startWorker(): Promise<ChildProcess> {
    const child = await startProcess('redis-worker-process.ts', redis.url, stepMs, lockMs, drainMs);
    children.push(child);
    return child;
  }

  async function startFront(): Promise<RunningServer> {
    const front = await startServer({
      config: serverConfig({
        queue: redis.url,
        port: 0,
        data: folder,
        logLevel: 'silent',
        shutdownSeconds: 1,
        maxEventLoopDelay: 0,
      }),
      load: async () => ({ info: fakeModel().info, model: null }),
      logs: { write: () => {} },
    });
    ends.push(() => front.close());
    return front;
  }

  /** Clients that ask for one job after the other until told to stop; then each finishes its last. */
  function startLoad(url: string): { client: JobClient; stop(): Promise<void> } {
    const client = new JobClient(url);
    let isOver = false;
    const loop = async (follows: boolean) => {
      while (!isOver) await client.doJob({ follows });
    };
    const loops = Promise.all(Array.from({ length: clientCount }, (_, index) => loop(index % 2 === 0)));
    loops.catch(() => {}); // thrown by stop
    return {
      client,
      async stop() {
        isOver = true;
        await loops;
      },
    };
  }

  /** As a Redis without an append-only file that comes back. */
  async function forgetEverything(): Promise<void> {
    const connection = new Redis(redis.url);
    await connection.flushall();
    await connection.quit();
  }

  function moreCompleted(client: JobClient): () => Promise<void> {
    return async () => {
      const enough = client.completed + 6;
      await expect.poll(() => client.completed, patient).toBeGreaterThanOrEqual(enough);
    };
  }

  const oneEach = (client: JobClient) => Object.fromEntries(client.accepted.map(id => [id, ['completed']]));

  it(
    'loses and repeats no job when a worker is killed and Redis is killed and restarted',
    async () => {
      const first = await startWorker();
      const second = await startWorker();
      const front = await startFront();
      const { client, stop } = startLoad(front.url);
      const someMore = moreCompleted(client);
      const bothAreBusy = () => expect.poll(() => queue.getActiveCount(), patient).toBeGreaterThan(4);

      await someMore();
      await bothAreBusy();
      await endOf(first, 'SIGKILL');
      await someMore();

      await redis.stop('SIGKILL');
      await client.askAlso(3);
      await redis.start();
      await someMore();

      await startWorker();
      await bothAreBusy();
      await redis.stop('SIGTERM');
      await client.askAlso(3);
      await redis.start();
      await someMore();

      await forgetEverything();
      await someMore();

      expect(await endOf(second, 'SIGTERM')).toBe(0);
      await someMore();
      await stop();
      await client.settled();

      expect(client.endings()).toEqual(oneEach(client));
      expect(client.accepted.length).toBeGreaterThanOrEqual(30);
      expect(await queue.getActiveCount()).toBe(0);
    },
    testMs,
  );

  it(
    'takes its jobs back when the front is killed, and clients go on where they were',
    async () => {
      await startWorker();
      const port = await freePort();
      const startFrontProcess = async () => {
        const child = await startProcess('redis-front-process.ts', redis.url, String(port), folder);
        children.push(child);
        return child;
      };
      const front = await startFrontProcess();
      const { client, stop } = startLoad(`http://127.0.0.1:${port}`);
      const someMore = moreCompleted(client);
      await someMore();
      await endOf(front, 'SIGKILL'); // the jobs go on, and end with nobody there
      const next = await startFrontProcess();
      await someMore();
      await endOf(next, 'SIGKILL');
      await startFrontProcess();
      await someMore();
      await stop();
      expect(client.accepted.length).toBeGreaterThanOrEqual(18);
      expect(client.endings()).toEqual(oneEach(client));
    },
    testMs,
  );
});
