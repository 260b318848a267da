import * as tf from '@tensorflow/tfjs';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { expectClose, ints, wave } from '../../test/support/kernel-table.ts';
import type { HostTensor } from '../core/host-tensor.ts';
import { attention, conv2d, linear, upsample2x } from '../ops/index.ts';
import { type CompileSpec, compile, type Device, type Executable, type Program, sessionHost } from './index.ts';

const open: Executable[] = [];
let loads = 0;

beforeEach(() => {
  loads = 0;
  const send = sessionHost.send.bind(sessionHost);
  vi.spyOn(sessionHost, 'send').mockImplementation((request, ...rest) => {
    if (request.kind === 'load') loads++;
    return send(request, ...rest);
  });
});

afterEach(async () => {
  for (const executable of open.splice(0)) await executable.release();
  vi.restoreAllMocks();
});

async function compiled<P>(program: Program<P, unknown>, spec: CompileSpec<P>, device: Device = 'cpu') {
  const executable = await compile(program, spec, { device, threads: 1, name: 'test program' });
  open.push(executable);
  return executable;
}

type Inputs = Record<string, HostTensor>;

/** Runs on both devices and compares all outputs. */
async function compare<P>(program: Program<P, unknown>, spec: CompileSpec<P>, runs: readonly Inputs[]) {
  const [executable, reference] = [await compiled(program, spec), await compiled(program, spec, 'reference')];
  for (const [index, inputs] of runs.entries()) {
    const [actual, expected] = [await executable.run(inputs), await reference.run(inputs)];
    for (const [name, tensor] of Object.entries(expected)) {
      expectClose(actual[name]!, tensor, 1e-5, `${name}, run ${index}`);
    }
  }
}

const float = (...shape: (number | string)[]) => ({ dtype: 'float32', shape }) as const;

describe('one graph for all sizes of several dimensions', () => {
  const tokens = (batch: number, length: number, past: number) => ({
    x: wave([batch, length, 8], batch),
    cache: wave([batch, past, 8], past),
    table: wave([40, 8], 2),
  });
  const spec: CompileSpec = {
    inputs: { x: float('batch', 'length', 8), cache: float('batch', 'past', 8), table: float(40, 8) },
  };

  test('of everything that a language model with a growing cache uses', async () => {
    const program: Program<unknown, unknown> = ({ inputs }) => {
      const { x, cache, table } = inputs as Record<'x' | 'cache' | 'table', tf.Tensor>;
      const [batch, length] = x.shape as [number, number];
      const past = cache.shape[1]!;
      const all = tf.concat([cache, x], 1);
      const heads = { heads: 2 };
      const flat = all.reshape([batch * (past + length), 8]);
      return {
        outputs: {
          causal: attention(x, all, all, { ...heads, causal: true }),
          own: attention(x, x, x, { ...heads, causal: true, mask: x.sum(-1).reshape([batch, 1, 1, length]) }),
          last: x.slice([0, length - 1, 0], [batch, 1, 8]).reshape([batch, 8]),
          positions: tf.range(past, past + length, 1, 'int32').sub(tf.scalar(length, 'int32')),
          average: x.sum(1).div(length),
          table: table.slice([0, 0], [Math.min(length, 40), 8]).mul(1),
          split: linear(flat, tf.ones([8, 4]).mul(0.5))
            .reshape([batch, past + length, 2, 2])
            .transpose([0, 2, 1, 3]),
          padded: tf.pad(x, [
            [0, 0],
            [2, 3],
            [0, 0],
          ]),
          tiled: tf.tile(x.sum(-1, true), [1, 1, 3]),
          hidden: tf.lessEqual(
            tf.range(0, past + length).reshape([1, past + length]),
            x.sum([1, 2]).reshape([batch, 1]),
          ),
        },
      };
    };
    const runs = [
      tokens(1, 1, 1),
      tokens(3, 5, 2),
      tokens(2, 2, 9),
      tokens(1, 7, 0),
      tokens(4, 1, 30),
      tokens(2, 8, 8),
    ];
    const limited = { ...spec, dimensions: { length: { max: 39 } } };
    await compare(program, limited, runs);
    expect(loads).toBe(1);
  });

  test('also where the same number stands for two of them, or for one and a size of the model', async () => {
    const program: Program<unknown, unknown> = ({ inputs: { x, cache } }) => ({
      outputs: { y: tf.matMul(x!, cache!, false, true).softmax(), z: tf.concat([x!, cache!], 1).reshape([-1, 4]) },
    });
    const { table: _, ...inputs } = spec.inputs;
    const some = [tokens(8, 8, 8), tokens(2, 2, 2), tokens(131, 127, 1)];
    await compare(
      program,
      { inputs },
      some.map(({ table: _, ...given }) => given),
    );
    expect(loads).toBe(1);
  });

  test('that are multiples of a number, which the program divides', async () => {
    const program: Program<unknown, unknown> = ({ inputs: { x } }) => {
      const [batch, channels, height, width] = x!.shape as [number, number, number, number];
      const low = conv2d(x!, tf.ones([2, 2, 2, 2]).mul(0.1), undefined, { stride: 2 });
      const flat = low.reshape([batch, channels, (height / 2) * (width / 2)]).transpose([0, 2, 1]);
      const mixed = attention(flat, flat, flat, { heads: 1 }).transpose([0, 2, 1]);
      return { outputs: { y: upsample2x(mixed.reshape([batch, channels, height / 2, width / 2])).add(x!) } };
    };
    const run = (batch: number, height: number, width: number) => ({ x: wave([batch, 2, height, width], height) });
    const dimensions = { height: { multipleOf: 2 }, width: { multipleOf: 2, max: 64 } };
    await compare(program, { inputs: { x: float('batch', 2, 'height', 'width') }, dimensions }, [
      run(1, 2, 4),
      run(2, 8, 6),
      run(1, 6, 8),
    ]);
    expect(loads).toBe(1);
  });
});

describe('a program that is not one graph for all sizes', () => {
  test('of one dimension still is for those of the others', async () => {
    const program: Program<unknown, unknown> = ({ inputs: { x } }) => {
      const length = x!.shape[1]!;
      return {
        outputs: {
          y: x!
            .sum(1)
            .mul(1 / length)
            .reshape([-1, 1]),
          square: x!.tile([1, length]),
        },
      };
    };
    const inputs = { x: float('batch', 'length') };
    const run = (batch: number, length: number) => ({ x: wave([batch, length]) });
    await compare(program, { inputs }, [run(1, 2), run(3, 2), run(2, 5), run(7, 5), run(1, 2)]);
    expect(loads).toBe(2);
  });

  test('because a number is the square of a size, which two recordings do not tell from a line', async () => {
    const program: Program<unknown, unknown> = ({ inputs: { x } }) => ({
      outputs: { y: tf.matMul(x!, x!, false, true).reshape([x!.shape[0]! ** 2]) },
    });
    await compare(
      program,
      { inputs: { x: float('length', 3) } },
      [1, 4, 9].map(n => ({ x: wave([n, 3]) })),
    );
    expect(loads).toBe(3);
  });
});

describe('sizes that a program refuses', () => {
  /** Adds a position table of 1030 rows: more than the sizes that programs are recorded at. */
  const positions: Program<unknown, unknown> = ({ inputs: { x } }) => {
    const length = x!.shape[0]!;
    if (length > 1030) throw new RangeError(`There are 1030 positions, got ${length}`);
    return { outputs: { y: x!.add(tf.ones([1030]).slice([0], [length])) } };
  };

  test('are its own error, also where its graph is made for all sizes', async () => {
    const executable = await compiled(positions, { inputs: { x: float('length') } });
    for (const length of [3, 1020, 1030, 2]) {
      const { y } = await executable.run({ x: wave([length]) });
      expect(y!.shape).toEqual([length]);
    }
    await expect(executable.run({ x: wave([1031]) })).rejects.toThrow('There are 1030 positions, got 1031');
    // At 1030 the slice is the whole table, which is another graph.
    expect(loads).toBe(2);
  });

  test.each<Device>(['cpu', 'reference'])(
    'are refused before it is called if the spec names them, on %s',
    async device => {
      const inputs = { x: float('batch', 'length'), ids: { dtype: 'int32', shape: ['length'] } } as const;
      const dimensions = { length: { max: 12, multipleOf: 4 } };
      const executable = await compiled(
        ({ inputs: { x, ids } }) => ({ outputs: { y: x!.add(ids!) } }),
        { inputs, dimensions },
        device,
      );
      const run = (length: number, count = length) =>
        executable.run({ x: wave([2, length]), ids: ints([count], ...Array<number>(count).fill(1)) });
      await expect(run(8)).resolves.toHaveProperty('y');
      const message = (got: number) =>
        `The dimension "length" of test program must be at most 12 and a multiple of 4, got ${got}`;
      await expect(run(16)).rejects.toMatchObject({ code: 'invalid-argument', message: message(16) });
      await expect(run(6)).rejects.toThrow(message(6));
      await expect(run(8, 4)).rejects.toThrow(
        'Input "ids" of test program must be int32 [8], got int32 [4] with 4 values',
      );
    },
  );
});

test('a spec that makes no sense is refused', async () => {
  const refused = (spec: CompileSpec, message: RegExp) =>
    expect(compile(() => ({ outputs: {} }), spec, { name: 'p' })).rejects.toMatchObject({
      code: 'invalid-argument',
      message: expect.stringMatching(message),
    });
  await refused({ inputs: { x: float('') } }, /dimension's name must be a letter with letters.*got ""/);
  await refused({ inputs: { x: float('a b') } }, /got "a b"/);
  await refused(
    { inputs: { x: float('batch') }, dimensions: { length: { max: 3 } } },
    /no input has the dimension "length"; there are batch/,
  );
  await refused(
    { inputs: { x: float('batch') }, dimensions: { batch: { max: -1 } } },
    /max of the dimension "batch" must be an integer of at least 0, got -1/,
  );
  await refused({ inputs: { x: float('batch') }, dimensions: { batch: { multipleOf: 1.5 } } }, /multipleOf.*got 1.5/);
});
