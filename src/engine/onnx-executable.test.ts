import * as tf from '@tensorflow/tfjs';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { between, expectClose, floats, ints, wave } from '../../test/support/kernel-table.ts';
import type { HostTensor } from '../core/host-tensor.ts';
import { attention, conv2d, gelu, groupNorm, layerNorm, silu, upsample2x } from '../ops/index.ts';
import { type CompileSpec, compile, type Device, type Executable, type Program, sessionHost } from './index.ts';
import type { Request } from './runtime/protocol.ts';

const open: Executable[] = [];

async function compiled<P, S>(
  program: Program<P, S>,
  spec: CompileSpec<P, S>,
  device: Device = 'cpu',
): Promise<Executable> {
  const executable = await compile(program, spec, { device, threads: 1, name: 'test program' });
  open.push(executable);
  return executable;
}

/** Kinds of the requests that reach the inference process. */
let requests: string[] = [];

beforeEach(() => {
  requests = [];
  const send = sessionHost.send.bind(sessionHost);
  vi.spyOn(sessionHost, 'send').mockImplementation((request: Request, memory) => {
    requests.push(request.kind);
    return send(request, memory);
  });
});

afterEach(async () => {
  for (const executable of open.splice(0)) await executable.release();
  vi.restoreAllMocks();
});

const count = (kind: string) => requests.filter(request => request === kind).length;
const double = ({ inputs }: { inputs: Record<string, tf.Tensor> }) => ({ outputs: { y: inputs['x']!.mul(2) } });
const anyBatch = { inputs: { x: { dtype: 'float32', shape: ['batch', 2] } } } as const;
const devices: Device[] = ['cpu', 'reference'];

describe.each(devices)('inputs on %s', device => {
  test('that do not fit are refused with what was wanted and what came', async () => {
    const executable = await compiled(
      ({ inputs: { x, ids } }) => ({ outputs: { y: x!.mul(ids!.cast('float32').sum()) } }),
      { inputs: { x: { dtype: 'float32', shape: ['batch', 2] }, ids: { dtype: 'int32', shape: ['batch'] } } },
      device,
    );
    const x = wave([3, 2]);
    const ids = ints([3], 1, 2, 3);
    const refused = async (inputs: Record<string, HostTensor>, message: RegExp) => {
      await expect(executable.run(inputs)).rejects.toMatchObject({
        code: 'invalid-argument',
        message: expect.stringMatching(message),
      });
    };
    await refused({ x }, /"ids" of test program must be int32 \[3\], got nothing/);
    await refused({ x, ids: ints([2], 1, 2) }, /"ids".*int32 \[3\], got int32 \[2\]/);
    await refused({ x, ids: floats(1, 2, 3) }, /"ids".*got float32 \[3\]/);
    await refused({ x: wave([3, 3]), ids }, /"x".*\[batch, 2\]|"x".*\[3, 2\], got float32 \[3, 3\]/);
    await refused({ x: { ...x, data: new Float32Array(5) }, ids }, /with 5 values/);
    await refused({ x, ids, z: x }, /no input "z"; it takes x, ids/);
    await expect(executable.run({ x, ids })).resolves.toHaveProperty('y');
  });

  test('a released program says so, and releasing twice is fine', async () => {
    const executable = await compiled(double, anyBatch, device);
    await executable.release();
    await executable.release();
    await expect(executable.run({ x: wave([1, 2]) })).rejects.toMatchObject({ code: 'released' });
    await expect(executable.readState()).rejects.toMatchObject({ code: 'released' });
  });

  test('an aborted signal stops before and between runs, with its reason; later runs work', async () => {
    const executable = await compiled(double, anyBatch, device);
    const controller = new AbortController();
    const run = () => executable.run({ x: wave([1, 2]) }, { signal: controller.signal });
    await run();
    controller.abort(new Error('enough'));
    await expect(run()).rejects.toThrow('enough');
    await expect(compile(double, anyBatch, { device, signal: controller.signal })).rejects.toThrow('enough');
    await expect(executable.run({ x: wave([1, 2]) })).resolves.toHaveProperty('y');
  });
});

describe.each(devices)('outputs on %s', device => {
  test('may be inputs, params, constants, one tensor twice, of every type', async () => {
    const weight = wave([2], 1);
    const executable = await compiled<{ weight: tf.Tensor }, unknown>(
      ({ params, inputs }) => {
        const sum = inputs['x']!.add(params.weight);
        return {
          outputs: {
            x: inputs['x']!,
            weight: params.weight,
            sum,
            again: sum,
            positive: sum.greater(0),
            whole: sum.mul(10).cast('int32'),
            constant: tf.tensor1d([1, 2], 'int32'),
          },
        };
      },
      { params: { weight }, inputs: { x: { dtype: 'float32', shape: [2] } } },
      device,
    );
    const x = wave([2]);
    const outputs = await executable.run({ x });
    const sum = Array.from(x.data, (value, index) => Math.fround(value + weight.data[index]!));
    expect(outputs).toEqual({
      x,
      weight,
      sum: floats(...sum),
      again: floats(...sum),
      positive: { dtype: 'bool', shape: [2], data: Uint8Array.from(sum, value => (value > 0 ? 1 : 0)) },
      whole: { dtype: 'int32', shape: [2], data: Int32Array.from(sum, value => value * 10) },
      constant: { dtype: 'int32', shape: [2], data: Int32Array.of(1, 2) },
    });
  });

  test('belong to the caller: later runs leave them alone', async () => {
    const executable = await compiled(double, anyBatch, device);
    const first = await executable.run({ x: floats2(1, 2) });
    first['y']!.data[0] = 100;
    const second = await executable.run({ x: floats2(3, 4) });
    expect([[...first['y']!.data], [...second['y']!.data]]).toEqual([
      [100, 4],
      [6, 8],
    ]);
  });

  const floats2 = (...values: number[]): HostTensor => ({ ...floats(...values), shape: [1, 2] });
});

describe('batch sizes', () => {
  const weight = wave([2, 3]);
  const params = { weight };
  const sizes = [1, 3, 7, 3, 1];

  async function compare(program: Program<{ weight: tf.Tensor }, unknown>, row: number[]) {
    const spec: CompileSpec<{ weight: tf.Tensor }> = {
      params,
      inputs: { x: { dtype: 'float32', shape: ['batch', ...row] } },
    };
    const [executable, reference] = [await compiled(program, spec), await compiled(program, spec, 'reference')];
    for (const size of sizes) {
      const x = wave([size, ...row], size);
      const [actual, expected] = [await executable.run({ x }), await reference.run({ x })];
      for (const [name, tensor] of Object.entries(expected))
        expectClose(actual[name]!, tensor, 1e-5, `${name} ${size}`);
    }
  }

  test('one graph for all sizes where the batch occurs in shapes only; weights go over once', async () => {
    await compare(
      ({ params, inputs: { x } }) => {
        const image = x!.matMul(params.weight).reshape([-1, 3, 1, 1]).tile([1, 2, 4, 2]);
        const pooled = (y: tf.Tensor) => tf.maxPool(y.mul(y) as tf.Tensor4D, [2, 1], 1, 'valid');
        return {
          outputs: {
            y: pooled(image),
            gradient: tf.grad(pooled)(image),
            average: tf.avgPool(image as tf.Tensor4D, 2, 1, 'same'),
          },
        };
      },
      [2],
    );
    expect([count('put'), count('load')]).toEqual([1, 1]);
  });

  test('one graph for all sizes of everything that networks and their gradients use', async () => {
    const gain = [1, 1, 1, 1].map((_, index) => 1 + index / 4);
    const images = (x: tf.Tensor) => {
      const y = conv2d(x, tf.ones([4, 2, 3, 3]).mul(0.1), tf.tensor1d(gain), { stride: 1, pad: [1, 1, 1, 1] });
      const normed = silu(groupNorm(y, { weight: tf.tensor1d(gain), bias: tf.zeros([4]), groups: 2 }));
      return upsample2x(conv2d(normed, tf.ones([4, 4, 2, 2]), undefined, { stride: 2 }));
    };
    const tokens = (x: tf.Tensor) => {
      const y = layerNorm(x.reshape([-1, 8, 4]), { weight: tf.tensor1d(gain) });
      const mask = y.sum(-1, true).transpose([0, 2, 1]).expandDims(1);
      const [q, k, v] = tf.split(tf.concat([y, gelu(y), y.square()], -1), 3, -1);
      const out = attention(q!, k!, v!, { heads: 2, mask }).add(attention(q!, k!, v!, { heads: 2, causal: true }));
      return tf.concat(
        [
          out.slice([0, 1, 0], [-1, 3, -1]),
          out.pad([
            [0, 0],
            [1, 0],
            [0, 0],
          ]),
        ],
        1,
      );
    };
    const resized = (x: tf.Tensor) => tf.image.resizeBilinear(x.transpose([0, 2, 3, 1]) as tf.Tensor4D, [7, 3]);
    await compare(
      ({ inputs: { x } }) => {
        const outputs: Record<string, tf.Tensor> = {};
        for (const [name, f] of Object.entries({ images, tokens, resized })) {
          outputs[name] = f(x!);
          outputs[`${name}Gradient`] = tf.grad((x: tf.Tensor) => f(x).square().sum().mul(1e-3))(x!);
        }
        const best = x!.mean([2, 3]).argMax(1);
        const logits = tokens(x!).sum(1).logSoftmax();
        const loss = logits.mul(tf.oneHot(best, 4)).sum(1);
        const words = tf.gather(
          tf.linspace(0, 1, 10).reshape([5, 2]),
          tf.stack([best, best.add(tf.scalar(2, 'int32'))], 1),
        );
        return { outputs: { ...outputs, best, loss, words, ...tf.topk(x!.reshape([-1, 32]), 3) } };
      },
      [2, 4, 4],
    );
    expect([count('put'), count('load')]).toEqual([1, 1]);
  });

  test('a graph per size where values depend on the size; weights still go over once', async () => {
    await compare(
      ({ params, inputs: { x } }) => {
        const y = x!.matMul(params.weight);
        return { outputs: { y: y.mul(1 / x!.shape[0]!), loss: y.square().mean() } };
      },
      [2],
    );
    expect([count('put'), count('load')]).toEqual([1, 3]);
  });

  test('a program that only takes some sizes, such as even ones, runs at those', async () => {
    const halves: Program<unknown, unknown> = ({ inputs: { x } }) => {
      const [a, b] = tf.split(x!, 2);
      return { outputs: { y: a!.sub(b!) } };
    };
    const executable = await compiled(halves, anyBatch);
    const { y } = await executable.run({ x: { ...floats(1, 2, 3, 5), shape: [2, 2] } });
    expect([...y!.data]).toEqual([-2, -3]);
    await expect(executable.run({ x: wave([3, 2]) })).rejects.toThrow(/split/i);
  });

  test('calls at the same time record and load once, and each gets its own answer', async () => {
    const executable = await compiled(double, anyBatch);
    const results = await Promise.all([1, 2, 3].map(size => executable.run({ x: wave([size, 2], size) })));
    for (const [index, { y }] of results.entries()) {
      expect([...y!.data]).toEqual([...wave([index + 1, 2], index + 1).data].map(value => Math.fround(2 * value)));
    }
    expect([count('put'), count('load')]).toEqual([1, 1]);
  });
});

describe('state', () => {
  /** Linear regression by gradient descent with momentum. */
  const program: Program<unknown, { weight: tf.Tensor; moment: tf.Tensor[] }> = ({ state, inputs: { x, target } }) => {
    const loss = (weight: tf.Tensor) => tf.losses.meanSquaredError(target!, x!.matMul(weight)) as tf.Scalar;
    const { value, grads } = tf.valueAndGrads(loss)([state.weight]);
    const moment = state.moment[0]!.mul(0.9).add(grads[0]!);
    return { outputs: { loss: value }, state: { weight: state.weight.sub(moment.mul(0.1)), moment: [moment] } };
  };
  const spec: CompileSpec<unknown, { weight: tf.Tensor; moment: tf.Tensor[] }> = {
    state: { weight: wave([3, 1]), moment: [floats(0, 0, 0)].map(zeros => ({ ...zeros, shape: [3, 1] })) },
    inputs: { x: { dtype: 'float32', shape: ['batch', 3] }, target: { dtype: 'float32', shape: ['batch', 1] } },
  };
  const batch = (step: number) => ({ x: wave([4, 3], step), target: between(-1, 1, [4, 1], step) });

  test('a training loop goes as on the reference, and the state can be read, written and continued', async () => {
    const [executable, reference] = [await compiled(program, spec), await compiled(program, spec, 'reference')];
    const losses: number[] = [];
    for (let step = 0; step < 30; step++) {
      const [actual, expected] = [await executable.run(batch(step)), await reference.run(batch(step))];
      expectClose(actual['loss']!, expected['loss']!, 1e-4, `loss ${step}`);
      losses.push(actual['loss']!.data[0]!);
    }
    const [state, expected] = [await executable.readState(), await reference.readState()];
    expect(Object.keys(state)).toEqual(['weight', 'moment.0']);
    for (const [name, tensor] of Object.entries(expected)) expectClose(state[name]!, tensor, 1e-4, name);

    const next = await executable.run(batch(30));
    const resumed = await compiled(program, spec);
    await resumed.writeState(state);
    expect(await resumed.run(batch(30))).toEqual(next);
    expect(await resumed.readState()).toEqual(await executable.readState());
    expect(losses.at(-1)).toBeLessThan(losses[0]!);
  });

  test.each(devices)('written state must fit on %s, and a refusal changes nothing', async device => {
    const executable = await compiled(program, spec, device);
    await executable.run(batch(0));
    const state = await executable.readState();
    const weight = state['weight']!;
    const refused = (given: Record<string, HostTensor>, message: RegExp) =>
      expect(executable.writeState(given)).rejects.toThrow(message);
    await refused({ weight }, /State "moment.0" must be float32 \[3, 1\], got nothing/);
    await refused({ ...state, weight: floats(1, 2, 3) }, /State "weight" must be float32 \[3, 1\], got float32 \[3\]/);
    await refused({ ...state, weight: { ...weight, data: new Float32Array(2) } }, /with 2 values/);
    await refused({ ...state, other: weight }, /no state "other"/);
    expect(await executable.readState()).toEqual(state);
  });

  test('eager runs leave no tensors behind', async () => {
    const executable = await compiled(program, spec, 'reference');
    await executable.run(batch(0));
    const before = tf.memory().numTensors;
    for (let step = 0; step < 3; step++) await executable.run(batch(step));
    await executable.writeState(await executable.readState());
    expect(tf.memory().numTensors).toBe(before);
    await executable.release();
    expect(tf.memory().numTensors).toBe(before - 2);
  });

  test.each(devices)('may be swapped, passed through and given out on %s', async device => {
    const swap: Program<unknown, { a: tf.Tensor; b: tf.Tensor; c: tf.Tensor }> = ({ state: { a, b, c } }) => ({
      outputs: { was: a },
      state: { a: b, b: a, c },
    });
    const executable = await compiled(
      swap,
      { state: { a: floats(1), b: floats(2), c: floats(3) }, inputs: {} },
      device,
    );
    const seen: number[] = [];
    for (let step = 0; step < 3; step++) seen.push((await executable.run({}))['was']!.data[0]!);
    expect(seen).toEqual([1, 2, 1]);
    const state = await executable.readState();
    expect(Object.values(state).map(({ data }) => data[0])).toEqual([2, 1, 3]);
  });
});
