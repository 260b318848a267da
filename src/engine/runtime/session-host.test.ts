import type * as tf from '@tensorflow/tfjs';
import { afterEach, describe, expect, test } from 'vitest';
import { floats, wave } from '../../../test/support/kernel-table.ts';
import { type CompileSpec, compile, type Executable, type Program } from '../index.ts';
import { sessionHost } from './session-host.ts';

const open: Executable[] = [];

async function compiled<P, S>(program: Program<P, S>, spec: CompileSpec<P, S>): Promise<Executable> {
  const executable = await compile(program, spec, { threads: 1 });
  open.push(executable);
  return executable;
}

afterEach(async () => {
  for (const executable of open.splice(0)) await executable.release();
});

/** A chain of matrix products: a good part of a second on one core. */
const long: Program<unknown, unknown> = ({ inputs }) => {
  let y: tf.Tensor = inputs['x']!;
  for (let i = 0; i < 40; i++) y = y.matMul(inputs['x']!).mul(0.01);
  return { outputs: { y: y.sum() } };
};
const longSpec: CompileSpec = { inputs: { x: { dtype: 'float32', shape: [512, 512] } } };
const square = wave([512, 512], 0, 0.1);

test('timers of this thread go on during a long run', async () => {
  const executable = await compiled(long, longSpec);
  await executable.run({ x: square });
  // A thread that computes has not one tick until its run is over; how many there are otherwise is the machine's matter.
  let ticks = 0;
  const timer = setInterval(() => ticks++, 1);
  await executable.run({ x: square });
  clearInterval(timer);
  expect(ticks).toBeGreaterThan(1);
});

test('any number of runs may share a signal', async () => {
  const executable = await compiled(long, longSpec);
  await executable.run({ x: square });
  const warnings: string[] = [];
  const note = ({ name }: Error) => warnings.push(name);
  process.on('warning', note);
  const controller = new AbortController();
  const { signal } = controller;
  const runs = Promise.allSettled(Array.from({ length: 15 }, () => executable.run({ x: square }, { signal })));
  // All runs must have reached the process.
  await new Promise(resolve => setImmediate(resolve));
  const reason = new Error('enough');
  controller.abort(reason);
  for (const result of await runs) expect(result).toEqual({ status: 'rejected', reason });
  await executable.run({ x: square });
  process.off('warning', note);
  expect(warnings).toEqual([]);
});

describe('an inference process that ends', () => {
  test('fails the run in flight with a clear error, and the next call works', async () => {
    const executable = await compiled(long, longSpec);
    const expected = await executable.run({ x: square });
    const inFlight = executable.run({ x: square });
    const queued = executable.run({ x: square });
    const failures = Promise.allSettled([inFlight, queued]);
    // Both runs must have reached the process.
    await new Promise(resolve => setImmediate(resolve));
    process.kill(sessionHost.status.pid!, 'SIGKILL');
    for (const result of await failures) {
      expect(result).toMatchObject({ status: 'rejected', reason: { code: 'worker-died' } });
    }
    expect(await executable.run({ x: square })).toEqual(expected);
  });

  test('takes the state with it: reading and running say so until it is written again', async () => {
    const counter = await compiled<unknown, { count: tf.Tensor }>(
      ({ state: { count } }) => ({ outputs: { was: count }, state: { count: count.add(1) } }),
      { state: { count: floats(0) }, inputs: {} },
    );
    await counter.run({});
    await counter.run({});
    const saved = await counter.readState();
    await sessionHost.terminate();
    for (const call of [() => counter.run({}), () => counter.readState(), () => counter.run({})]) {
      await expect(call()).rejects.toMatchObject({
        code: 'worker-died',
        message: expect.stringContaining('writeState'),
      });
    }
    await counter.writeState(saved);
    expect((await counter.run({}))['was']!.data[0]).toBe(2);
    expect((await counter.readState())['count']!.data[0]).toBe(3);
  });

  test('is not started again only to release into it', async () => {
    const executable = await compiled(long, longSpec);
    await executable.run({ x: square });
    await sessionHost.terminate();
    const { generation } = sessionHost;
    await executable.release();
    expect(sessionHost.generation).toBe(generation);
  });

  test('brings back programs that were compiled before, with their weights', async () => {
    const programs = await Promise.all(
      [2, 3].map(factor =>
        compiled<{ weight: tf.Tensor }, unknown>(
          ({ params, inputs: { x } }) => ({ outputs: { y: x!.mul(params.weight) } }),
          { params: { weight: floats(factor) }, inputs: { x: { dtype: 'float32', shape: [1] } } },
        ),
      ),
    );
    const run = () => Promise.all(programs.map(async program => (await program.run({ x: floats(5) }))['y']!.data[0]));
    expect(await run()).toEqual([10, 15]);
    await sessionHost.terminate();
    expect(await run()).toEqual([10, 15]);
  });
});

describe('a run that nobody waits for any more', () => {
  /** Minutes on one core. */
  const endless: Program<unknown, unknown> = ({ inputs }) => {
    let y: tf.Tensor = inputs['x']!;
    for (let i = 0; i < 2000; i++) y = y.matMul(inputs['x']!).mul(0.01);
    return { outputs: { y: y.sum() } };
  };
  const endlessSpec: CompileSpec = { inputs: { x: { dtype: 'float32', shape: [1024, 1024] } } };
  const large = wave([1024, 1024], 0, 0.1);
  const double: Program<unknown, unknown> = ({ inputs }) => ({ outputs: { y: inputs['x']!.mul(2) } });
  const doubleSpec: CompileSpec = { inputs: { x: { dtype: 'float32', shape: [1] } } };

  test('is refused at once and ended; runs that wait behind it are computed all the same', async () => {
    const quick = await compiled(double, doubleSpec);
    const executable = await compiled(endless, endlessSpec);
    const { replacements } = sessionHost.status;
    // A cancellation that comes before the run's turn leaves nothing to be ended: then once more.
    while (sessionHost.status.replacements === replacements) {
      const controller = new AbortController();
      await quick.run({ x: floats(1) });
      const result = executable.run({ x: large }, { signal: controller.signal });
      result.catch(() => {});
      const waiting = quick.run({ x: floats(21) });
      await new Promise(resolve => setTimeout(resolve, 20));
      controller.abort(new Error('cancelled by the test'));
      await expect(result).rejects.toThrow('cancelled by the test');
      expect((await waiting)['y']!.data[0]).toBe(42);
    }
    expect(sessionHost.status).toMatchObject({ state: 'ready', replacements: replacements + 1 });
  });

  test('is ended in time however much is sent meanwhile', async () => {
    const quick = await compiled(double, doubleSpec);
    const executable = await compiled(endless, endlessSpec);
    await quick.run({ x: floats(1) });
    const { replacements } = sessionHost.status;
    while (sessionHost.status.replacements === replacements) {
      const controller = new AbortController();
      const abandoned = executable.run({ x: large }, { signal: controller.signal });
      const sent: Promise<unknown>[] = [];
      const traffic = setInterval(() => sent.push(quick.run({ x: floats(21) })), 100);
      await expect.poll(() => sent.length, { timeout: 60_000 }).toBeGreaterThan(0);
      controller.abort(new Error('cancelled by the test'));
      await expect(abandoned).rejects.toThrow('cancelled by the test');
      await sent[0];
      clearInterval(traffic);
      await Promise.all(sent);
    }
  });

  test('goes on while training state lives in the process', async () => {
    const counter = await compiled<unknown, { count: tf.Tensor }>(
      ({ state: { count } }) => ({ outputs: { was: count }, state: { count: count.add(1) } }),
      { state: { count: floats(0) }, inputs: {} },
    );
    await counter.run({});
    const executable = await compiled(long, longSpec);
    await executable.run({ x: square });
    const controller = new AbortController();
    const { pid } = sessionHost.status;
    const abandoned = executable.run({ x: square }, { signal: controller.signal });
    controller.abort();
    await expect(abandoned).rejects.toMatchObject({ name: 'AbortError' });
    expect((await counter.run({}))['was']!.data[0]).toBe(1);
    expect(sessionHost.status.pid).toBe(pid);
  });
});

describe('a memory ceiling', () => {
  afterEach(() => sessionHost.setMaxMemory(undefined));

  test('below what the models need is said, and does not replace a process again and again', async () => {
    const { deaths } = sessionHost.status;
    const executable = await compiled(long, longSpec);
    const expected = await executable.run({ x: square });
    sessionHost.setMaxMemory(1);
    const { pid, replacements } = sessionHost.status;
    for (let i = 0; i < 4; i++) expect(await executable.run({ x: square })).toEqual(expected);
    expect(sessionHost.status).toMatchObject({ pid, replacements, isCeilingTooLow: true });
    expect(sessionHost.status.deaths).toBe(deaths);
  });

  test('replaces a process that has grown over it between two calls, and loses no answer', async () => {
    await sessionHost.terminate();
    const executable = await compiled(({ inputs }) => ({ outputs: { y: inputs['x']!.mul(2).sum(1) } }), {
      inputs: { x: { dtype: 'float32', shape: ['batch', 256] } },
    });
    const rows = (count: number) => executable.run({ x: { ...wave([count, 256], 0, 0.1) } });
    const expected = await rows(1);
    for (let i = 0; i < 40; i++) await rows(1);
    const { pid, replacements } = sessionHost.status;
    sessionHost.setMaxMemory(2 ** 20);
    // Its size is measured a few times a second.
    for (let i = 0; i < 200 && sessionHost.status.pid === pid; i++) await rows(100_000);
    expect(sessionHost.status.replacements).toBe(replacements + 1);
    expect(await rows(1)).toEqual(expected);
    expect(sessionHost.status.pid).not.toBe(pid);
  });

  test('must be a positive number', () => {
    expect(() => sessionHost.setMaxMemory(-1)).toThrow('must be a positive number of bytes, got -1');
  });
});
