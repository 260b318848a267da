import { describe, expect, it } from 'vitest';
import { createEta } from './eta.ts';
import { EventLog } from './event-log.ts';
import type { JobEvent } from './types.ts';

const progress = (step: number) => ({ type: 'progress', step, steps: 9, etaMs: null }) as const;

async function all(events: AsyncIterable<JobEvent>): Promise<JobEvent[]> {
  const list: JobEvent[] = [];
  for await (const event of events) list.push(event);
  return list;
}

describe('EventLog', () => {
  it('replays, goes on live and ends with the job', async () => {
    const log = new EventLog();
    log.append({ type: 'queued', position: 0 });
    log.append({ type: 'started' });
    const reading = all(log.read(1));
    log.append({ type: 'text', delta: 'a', at: 0 });
    await Promise.resolve();
    log.append({ type: 'text', delta: 'b', at: 1 });
    log.append({ type: 'cancelled' });
    log.append({ type: 'text', delta: 'too late', at: 2 });
    expect(await reading).toEqual([
      { id: 2, type: 'started' },
      { id: 3, type: 'text', delta: 'a', at: 0 },
      { id: 4, type: 'text', delta: 'b', at: 1 },
      { id: 5, type: 'cancelled' },
    ]);
    expect(await all(log.read(4))).toEqual([{ id: 5, type: 'cancelled' }]);
    expect(await all(log.read(5))).toEqual([]);
  });

  it('keeps the latest of what grows old, in memory that does not grow', async () => {
    const told: JobEvent[] = [];
    const log = new EventLog(100, event => told.push(event));
    for (let step = 1; step <= 1000; step++) {
      log.append(progress(step));
      log.append({ type: 'preview', step, images: [], indices: [] });
    }
    log.close();
    expect(await all(log.read())).toMatchObject([
      { id: 2099, step: 1000 },
      { id: 2100, step: 1000 },
    ]);
    expect(told).toHaveLength(2000);
  });

  it('lets readers go', async () => {
    const log = new EventLog();
    const controller = new AbortController();
    const reading = all(log.read(0, controller.signal));
    controller.abort();
    expect(await reading).toEqual([]);
    expect(await all(log.read(0, controller.signal))).toEqual([]);
    const other = all(log.read());
    log.close();
    expect(await other).toEqual([]);
  });
});

describe('createEta', () => {
  it('knows nothing before the second step, then follows the pace', () => {
    let time = 0;
    const eta = createEta(() => time);
    expect(eta(1, 10)).toBeNull();
    time = 100;
    expect(eta(2, 10)).toBe(800);
    time = 300; // slower
    expect(eta(3, 10)).toBe(Math.round((0.8 * 100 + 0.2 * 200) * 7));
    time = 310;
    expect(eta(10, 10)).toBe(0);
  });
});
