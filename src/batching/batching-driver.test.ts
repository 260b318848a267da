/** The driver over calls whose results the test returns by hand: nothing here depends on time. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BatchingDriver } from './batching-driver.ts';

/** Lets everybody go on who can. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 4; turn++) await new Promise(setImmediate);
}

interface Held {
  readonly rows: readonly number[];
  answer(): Promise<void>;
  fail(error: Error): Promise<void>;
}

/** A network that doubles its rows when the test says so. */
function heldNetwork() {
  const calls: Held[] = [];
  const call = (rows: readonly number[]): Promise<number[]> =>
    new Promise((resolve, reject) => {
      calls.push({
        rows,
        answer: () => {
          resolve(rows.map(row => row * 2));
          return settle();
        },
        fail: error => {
          reject(error);
          return settle();
        },
      });
    });
  return { call, calls, rows: () => calls.map(({ rows }) => rows) };
}

describe('a pass', () => {
  it('takes all that waits; who comes while it runs is in the next one', async () => {
    const { call, calls, rows } = heldNetwork();
    const ask = new BatchingDriver().batched(call, { limit: 8, unit: 3 });
    const first = [ask([1, 2], {}), ask([3], {})];
    await settle();
    const second = [ask([4], {}), ask([5, 6, 7], {})];
    await settle();
    expect(rows()).toEqual([[1, 2, 3]]);
    await calls[0]!.answer();
    expect(await Promise.all(first)).toEqual([[2, 4], [6]]);
    expect(rows()).toEqual([
      [1, 2, 3],
      [4, 5, 6, 7],
    ]);
    await calls[1]!.answer();
    expect(await Promise.all(second)).toEqual([[8], [10, 12, 14]]);
  });

  it('waits for the next requests of those that the call before served', async () => {
    const { call, calls, rows } = heldNetwork();
    const ask = new BatchingDriver().batched(call, { limit: 8 });
    const twice = async (row: number) => ask(await ask([row], {}), {});
    const both = Promise.all([twice(1), twice(10)]);
    await settle();
    const late = ask([7], {});
    await calls[0]!.answer();
    await calls[1]!.answer();
    expect(rows()).toEqual([
      [1, 10],
      [7, 2, 20],
    ]);
    expect(await both).toEqual([[4], [40]]);
    expect(await late).toEqual([14]);
  });

  it('is one at a time if it is not full, whatever the kind', async () => {
    const [one, other] = [heldNetwork(), heldNetwork()];
    const driver = new BatchingDriver();
    const asked = [driver.batched(one.call, { limit: 2 })([1], {}), driver.batched(other.call, { limit: 2 })([2], {})];
    await settle();
    expect([one.calls.length, other.calls.length]).toEqual([1, 0]);
    await one.calls[0]!.answer();
    expect([one.calls.length, other.calls.length]).toEqual([1, 1]);
    await other.calls[0]!.answer();
    expect(await Promise.all(asked)).toEqual([[2], [4]]);
  });

  it('is sent ahead, one at most, once it is full', async () => {
    const { call, calls, rows } = heldNetwork();
    const ask = new BatchingDriver().batched(call, { limit: 2 });
    const asked = [ask([1], {})];
    await settle();
    asked.push(ask([2], {}));
    await settle();
    expect(rows()).toEqual([[1]]);
    asked.push(ask([3], {}), ask([4, 5], {}));
    await settle();
    expect(rows()).toEqual([[1], [2, 3]]);
    for (let pass = 0; pass < 3; pass++) await calls[pass]!.answer();
    expect(rows()).toEqual([[1], [2, 3], [4, 5]]);
    expect(await Promise.all(asked)).toEqual([[2], [4], [6], [8, 10]]);
  });

  it('is full with rows that could not share a call with those that are computed', async () => {
    const { call, calls, rows } = heldNetwork();
    const ask = new BatchingDriver().batched(call, { limit: 4 });
    const asked = [ask([1, 2, 3], {})];
    await settle();
    asked.push(ask([4], {}));
    await settle();
    expect(rows()).toEqual([[1, 2, 3]]);
    asked.push(ask([5], {}));
    await settle();
    expect(rows()).toEqual([
      [1, 2, 3],
      [4, 5],
    ]);
    for (const { answer } of calls) await answer();
    expect(await Promise.all(asked)).toEqual([[2, 4, 6], [8], [10]]);
  });

  it('has its results although another had them before', async () => {
    const { call, calls } = heldNetwork();
    const ask = new BatchingDriver().batched(call, { limit: 1 });
    const asked = [ask([1], {}), ask([2], {})];
    await settle();
    await calls[1]!.answer();
    expect(await asked[1]).toEqual([4]);
    await calls[0]!.answer();
    expect(await asked[0]).toEqual([2]);
  });

  it('never cuts a unit, cuts longer requests, and fills up with what fits', async () => {
    const { call, calls, rows } = heldNetwork();
    const ask = new BatchingDriver().batched(call, { limit: 4, unit: 3 });
    const asked = [ask([1, 2, 3], {}), ask([4, 5], {}), ask([6], {}), ask([7, 8, 9, 10], {})];
    await settle();
    for (let pass = 0; pass < 3; pass++) await calls[pass]!.answer();
    expect(rows()).toEqual([
      [1, 2, 3, 6],
      [4, 5, 10],
      [7, 8, 9],
    ]);
    expect(await asked[3]).toEqual([14, 16, 18, 20]);
  });

  it('returns no results for no rows', async () => {
    const { call } = heldNetwork();
    expect(await new BatchingDriver().batched(call, { limit: 4 })([], {})).toEqual([]);
  });
});

describe('what goes wrong', () => {
  it('a failing call is the error of those in it alone', async () => {
    const { call, calls } = heldNetwork();
    const ask = new BatchingDriver().batched(call, { limit: 2 });
    const asked = Promise.allSettled([ask([1], {}), ask([2], {}), ask([3], {})]);
    await settle();
    await calls[0]!.fail(new Error('out of memory'));
    await calls[1]!.answer();
    expect((await asked).map(({ status }) => status)).toEqual(['rejected', 'rejected', 'fulfilled']);
  });

  it('a cancelled request is not computed any more, and those beside it are not affected', async () => {
    const { call, calls, rows } = heldNetwork();
    const ask = new BatchingDriver().batched(call, { limit: 2 });
    const controller = new AbortController();
    const { signal } = controller;
    const first = ask([0, 9], {});
    const asked = Promise.allSettled([ask([1], {}), ask([2], { signal }), ask([3], { signal }), ask([4], {})]);
    await settle();
    controller.abort(new Error('enough'));
    for (let pass = 0; pass < 3; pass++) await calls[pass]!.answer();
    expect(rows()).toEqual([[0, 9], [1, 2], [4]]);
    expect(await first).toEqual([0, 18]);
    const [one, , three, four] = await asked;
    expect([one, four]).toEqual([
      { status: 'fulfilled', value: [2] },
      { status: 'fulfilled', value: [8] },
    ]);
    expect(three).toMatchObject({ status: 'rejected', reason: { message: 'enough' } });
    await expect(ask([5], { signal })).rejects.toThrow('enough');
  });

  it('closed, it turns away who waits and who comes', async () => {
    const { call, calls } = heldNetwork();
    const driver = new BatchingDriver();
    const ask = driver.batched(call, { limit: 1 });
    const running = [ask([1], {}), ask([2], {})];
    const refused = expect(ask([3], {})).rejects.toMatchObject({ code: 'released' });
    await settle();
    driver.close();
    await refused;
    await expect(ask([4], {})).rejects.toMatchObject({ code: 'released' });
    for (const { answer } of calls) await answer();
    expect(await Promise.all(running)).toEqual([[2], [4]]);
  });
});

describe('turns', () => {
  it('kinds share the time: many small steps go between two long passes', async () => {
    let clock = 0;
    const order: string[] = [];
    const driver = new BatchingDriver(() => clock);
    const network = (name: string, milliseconds: number) => async (rows: readonly number[]) => {
      clock += milliseconds;
      order.push(name);
      return [...rows];
    };
    const denoise = driver.batched(network('denoise', 100), { limit: 8 });
    const word = driver.batched(network('word', 10), { limit: 8 });
    const repeat = async (ask: typeof denoise, times: number) => {
      for (let i = 0; i < times; i++) await ask([i], {});
    };
    await Promise.all([repeat(denoise, 6), repeat(word, 30)]);
    const before = (count: number) =>
      order.slice(0, order.lastIndexOf('word')).filter(name => name === 'denoise').length <= count;
    expect(before(4)).toBe(true);
    const runs = order
      .join(' ')
      .split('denoise')
      .map(part => part.trim().split(' ').filter(Boolean).length);
    expect(Math.max(...runs)).toBeLessThanOrEqual(11);
  });

  it('nobody saves up turns while idle', async () => {
    let clock = 0;
    const order: string[] = [];
    const driver = new BatchingDriver(() => clock);
    const network = (name: string) => async (rows: readonly number[]) => {
      clock += 10;
      order.push(name);
      return [...rows];
    };
    const busy = driver.batched(network('busy'), { limit: 1 });
    const idle = driver.batched(network('idle'), { limit: 1 });
    for (let i = 0; i < 50; i++) await busy([i], {});
    order.length = 0;
    await Promise.all([...Array(10).keys()].flatMap(i => [busy([i], {}), idle([i], {})]));
    expect(order.slice(0, 10).filter(name => name === 'busy').length).toBeGreaterThanOrEqual(4);
  });

  it('the higher priority goes first, equals in order', async () => {
    const { call, calls, rows } = heldNetwork();
    const ask = new BatchingDriver().batched(call, { limit: 1 });
    const asked = Promise.all([1, 2, 3, 4].map(row => ask([row], { priority: row === 3 ? 1 : 0 })));
    await settle();
    for (let pass = 0; pass < 4; pass++) await calls[pass]!.answer();
    expect(rows().flat()).toEqual([3, 1, 2, 4]);
    await asked;
  });

  it('no priority starves the others', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: -1e9, max: 1e9 }),
        fc.integer({ min: 1, max: 5 }),
        async (priority, rivals) => {
          let calls = 0;
          const ask = new BatchingDriver().batched(
            async (rows: readonly number[]) => {
              calls++;
              return [...rows];
            },
            { limit: 1 },
          );
          let served = false;
          const rival = async () => {
            while (!served) await ask([0], { priority: 1e9 });
          };
          const all = Array.from({ length: rivals }, rival);
          await settle();
          const before = calls;
          await ask([1], { priority });
          const waited = calls - before;
          served = true;
          await Promise.all(all);
          expect(waited).toBeLessThanOrEqual(80 + 2 * rivals + 2);
        },
      ),
      { numRuns: 20 },
    );
  });
});

describe('any traffic', () => {
  const request = fc.record({
    size: fc.integer({ min: 0, max: 7 }),
    priority: fc.integer({ min: -2, max: 2 }),
    /** The pass before which it comes, and before which it is cancelled. */
    comes: fc.integer({ min: 0, max: 6 }),
    cancelled: fc.option(fc.integer({ min: 0, max: 8 }), { freq: 3 }),
  });

  it('every request that is not cancelled gets the results of its own rows, in calls within the limit', async () => {
    const traffic = fc.array(request, { maxLength: 25 });
    await fc.assert(
      fc.asyncProperty(
        traffic,
        fc.integer({ min: 1, max: 9 }),
        fc.integer({ min: 1, max: 3 }),
        async (requests, limit, unit) => {
          const { call, calls } = heldNetwork();
          const ask = new BatchingDriver().batched(call, { limit, unit });
          const controllers = requests.map(() => new AbortController());
          const results: Promise<PromiseSettledResult<number[]>>[] = [];
          const wanted = requests.map(({ size }, index) => Array.from({ length: size }, (_, k) => 100 * index + k));
          let answered = 0;
          for (let pass = 0; pass <= 8 || answered < calls.length; pass++) {
            for (const [index, { comes, cancelled, priority }] of requests.entries()) {
              const { signal } = controllers[index]!;
              if (comes === pass)
                results[index] = Promise.allSettled([ask(wanted[index]!, { signal, priority })]).then(
                  ([only]) => only!,
                );
              if (cancelled === pass) controllers[index]!.abort();
            }
            await settle();
            expect(calls.length).toBeLessThanOrEqual(answered + 2); // the one that is computed and one sent ahead
            if (answered < calls.length) await calls[answered++]!.answer();
          }
          for (const { rows } of calls) expect(rows.length).toBeLessThanOrEqual(Math.max(limit, unit));
          for (const [index, { cancelled }] of requests.entries()) {
            const result = await results[index]!;
            if (result.status === 'fulfilled') expect(result.value).toEqual(wanted[index]!.map(row => row * 2));
            else expect(cancelled).not.toBeNull();
          }
          const asked = calls.flatMap(({ rows }) => rows);
          expect(new Set(asked).size).toBe(asked.length);
        },
      ),
      { numRuns: 60 },
    );
  });
});
