/** Sequences whose process is replaced because of a run that nobody needs or of the memory ceiling. */
import type * as tf from '@tensorflow/tfjs';
import { afterEach, describe, expect, test } from 'vitest';
import { opened, oracle, type Position, releaseAfterEach, setUp, x } from '../../../test/support/pair-sequences.ts';
import { compile, type Program, sessionHost } from '../index.ts';

releaseAfterEach();

describe('while sequences live', () => {
  afterEach(() => sessionHost.setMaxMemory(undefined));

  const endless: Program<unknown, unknown> = ({ inputs }) => {
    let y: tf.Tensor = inputs['x']!;
    for (let i = 0; i < 2000; i++) y = y.matMul(inputs['x']!).mul(0.01);
    return { outputs: { y: y.sum() } };
  };
  const square = { dtype: 'float32', shape: [1024, 1024], data: new Float32Array(1024 * 1024).fill(0.5) } as const;

  test('a run of minutes that nobody needs is ended, and calls that wait behind it are made', async () => {
    const { sequences, executable } = await setUp('cpu');
    const sequence = sequences.create();
    const positions: Position[] = [];
    const extend = async (): Promise<void> => {
      expect(await executable.extend([{ sequence, inputs: x([positions.length, 1]) }])).toEqual([oracle(positions)]);
      positions.push([positions.length, 1]);
    };
    await extend();
    const slow = await compile(endless, { inputs: { x: { dtype: 'float32', shape: [1024, 1024] } } }, { threads: 1 });
    opened(slow);
    const { replacements } = sessionHost.status;
    // A cancellation that comes before the run's turn leaves nothing to be ended: then once more.
    while (sessionHost.status.replacements === replacements) {
      const controller = new AbortController();
      const abandoned = slow.run({ x: square }, { signal: controller.signal });
      abandoned.catch(() => {});
      const waiting = extend();
      await new Promise(resolve => setTimeout(resolve, 20));
      controller.abort(new Error('enough'));
      await expect(abandoned).rejects.toThrow('enough');
      await waiting;
    }
    await extend();
  });

  test('a process over its memory ceiling is replaced, and they go on in the next', async () => {
    await sessionHost.terminate();
    const { sequences, executable } = await setUp('cpu');
    const sum = await compile(
      ({ inputs }) => ({ outputs: { y: inputs['x']!.mul(2).sum(1) } }),
      { inputs: { x: { dtype: 'float32', shape: ['batch', 256] } } },
      { name: 'sum', threads: 1 },
    );
    opened(sum);
    const rows = (count: number) =>
      sum.run({ x: { dtype: 'float32', shape: [count, 256], data: new Float32Array(count * 256) } });
    const sequence = sequences.create();
    await executable.extend([{ sequence, inputs: x([1, 2]) }]);
    for (let i = 0; i < 40; i++) await rows(1);
    const { pid } = sessionHost.status;
    sessionHost.setMaxMemory(2 ** 20);
    // Its size is measured a few times a second.
    while (sessionHost.status.pid === pid) await rows(200_000);
    expect(await executable.extend([{ sequence, inputs: x([3, 4]) }])).toEqual([oracle([[1, 2]])]);
    expect(sessionHost.status.pid).not.toBe(pid);
  });

  test('they may not grow over the memory ceiling', async () => {
    await sessionHost.terminate();
    const { sequences, executable } = await setUp('cpu');
    const [small, large] = [sequences.create(), sequences.create()];
    await executable.extend([{ sequence: small, inputs: x([1, 2]) }]);
    const { residentBytes, deaths } = sessionHost.status;
    sessionHost.setMaxMemory(1.25 * residentBytes! + 16 * 2 ** 20);
    const positions = 2 ** 17; // of 13 bytes
    const many = { x: { dtype: 'float32', shape: [positions, 2], data: new Float32Array(2 * positions) } } as const;
    const fill = async () => {
      for (let i = 0; i < 1000; i++) await executable.extend([{ sequence: large, inputs: many }]);
    };
    await expect(fill()).rejects.toMatchObject({
      code: 'memory-full',
      message: expect.stringMatching(/need \d+ MiB more, .* has \d+ MiB of the \d+ MiB .*\(--max-memory\)/),
    });
    expect(sessionHost.status.deaths).toBe(deaths);
    expect(await executable.extend([{ sequence: small, inputs: x([3, 4]) }])).toEqual([oracle([[1, 2]])]);
    sequences.drop(large);
    const next = sequences.create();
    await executable.extend([{ sequence: next, inputs: many }]);
  });
});
