/** Dialogues on workers: pictures go there and come back, words are told as they come, and once. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type FakeChatOptions, fakeChatModel, foxesText } from '../../testing/fake-chat-model.ts';
import { testFront } from '../../testing/redis-front.ts';
import { hasRedis, type TestRedis, testRedis } from '../../testing/redis-processes.ts';
import type { InProcessJobs } from '../in-process.ts';
import type { JobEvent, JobRequest } from '../types.ts';
import { startRedisWorker } from './worker.ts';

const owner = 'tester';
const log = { error: () => {} };

describe.skipIf(!hasRedis)('dialogues on Redis (needs redis-server, a Debian package)', () => {
  let redis: TestRedis;
  const ends: (() => Promise<unknown>)[] = [];

  beforeAll(async () => {
    redis = await testRedis();
    await redis.start();
  });
  afterEach(async () => {
    for (const end of ends.splice(0)) await end();
  });
  afterAll(() => redis.remove());

  async function startFront(): Promise<InProcessJobs> {
    const { jobs, close } = await testFront(redis.url, fakeChatModel());
    ends.push(close);
    return jobs;
  }

  async function startWorker(options: FakeChatOptions = {}) {
    const model = fakeChatModel(options);
    const worker = await startRedisWorker({ url: redis.url, model, concurrency: 2, log });
    const close = () => worker.close(0);
    ends.push(close);
    return { model, close };
  }

  const request: JobRequest = {
    mode: 'chat',
    messages: [
      {
        role: 'user',
        content: [
          { type: 'image', picture: 0 },
          { type: 'text', text: 'Two like it.' },
        ],
      },
    ],
    pictures: [Uint8Array.of(1, 2)],
    seed: 5,
  };
  const wordsOf = (events: readonly JobEvent[]) =>
    events.flatMap(event => (event.type === 'text' ? [event.delta] : [])).join('');

  it('are answered', async () => {
    const jobs = await startFront();
    const { model } = await startWorker();
    const events: JobEvent[] = [];
    const { signal } = new AbortController();
    const result = await jobs.run(request, { owner, signal, onEvent: event => events.push(event) });
    expect(wordsOf(events)).toBe(foxesText);
    expect(events.filter(({ type }) => type === 'image-started')).toHaveLength(2);
    expect(result.samples.map(({ seed }) => seed)).toEqual([5, 6]);
    expect(result.answer).toMatchObject({ finishReason: 'stop', promptTokens: 7 });
    expect(model.calls[0]!.messages).toEqual([
      {
        role: 'user',
        content: [
          { type: 'image', image: Uint8Array.of(1, 2) },
          { type: 'text', text: 'Two like it.' },
        ],
      },
    ]);
  });

  it('go on in another worker without telling anything twice', async () => {
    const jobs = await startFront();
    const first = await startWorker({ pace: 'stepwise' });
    const { id } = await jobs.submit(request, { owner });
    const events: JobEvent[] = [];
    first.model.advance(4); // up to the words behind the first picture
    for await (const event of jobs.events(id)) {
      events.push(event);
      if (wordsOf(events) !== 'Here is one: a fox.' || ends.length > 2) continue;
      await first.close();
      await startWorker();
    }
    expect(wordsOf(events)).toBe(foxesText);
    expect(events.at(-1)).toMatchObject({ type: 'completed', result: { samples: [{ seed: 5 }, { seed: 6 }] } });
  });
});
