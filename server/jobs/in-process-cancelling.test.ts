/** Jobs that are cancelled, wherever they are. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DuetError } from '../../src/core/errors.ts';
import { readParameters } from '../../src/image/index.ts';
import { drawing, eventsOf, keepingStore, limits, owner, setUp } from '../testing/in-process-jobs.ts';
import { memoryStore } from './memory-store.ts';
import type { JobRecord, JobStore } from './store.ts';
import type { JobEvent } from './types.ts';

const samplesOf = (events: readonly JobEvent[]) =>
  events.flatMap(event => {
    if (event.type !== 'sample') return [];
    const { png, ...sample } = event.sample;
    expect(png).toBeInstanceOf(Uint8Array);
    return [sample];
  });

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
