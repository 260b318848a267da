import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, test } from 'vitest';
import { wave } from '../../../test/support/kernel-table.ts';
import { compile } from '../index.ts';
import type { CompileSpec, Program } from '../types.ts';
import { record } from './record.ts';

const spec: CompileSpec = {
  params: { weight: { dtype: 'float32', shape: [3, 2], data: new Float32Array(6) } },
  inputs: { x: { dtype: 'float32', shape: [4, 3] } },
};

type Params = { weight: tf.Tensor };

const recorded = (program: Program<Params, unknown>) => record('test', program, spec, { x: [4, 3] });

/** A program of the input alone. */
const of =
  (f: (x: tf.Tensor) => tf.Tensor): Program<Params, unknown> =>
  ({ inputs }) => ({ outputs: { y: f(inputs['x']!) } });

function thrownBy(f: (x: tf.Tensor) => tf.Tensor): unknown {
  try {
    recorded(of(f));
  } catch (error) {
    return error;
  }
  return undefined;
}

beforeAll(() => tf.setBackend('cpu'));

describe('what cannot be recorded', () => {
  test('an unsupported kernel names itself, the op that called it and the place to add it', () => {
    const error = thrownBy(x => tf.localResponseNormalization(x.reshape([1, 2, 2, 3]) as tf.Tensor4D));
    expect(error).toMatchObject({ code: 'unsupported-kernel' });
    for (const part of ['"localResponseNormalization"', '"LRN"', 'src/engine/lowerings/index.ts']) {
      expect(String(error)).toContain(part);
    }
  });

  test('reading values names the reader: the program itself, or an op', () => {
    const direct = thrownBy(x => x.mul(x.dataSync()[0]!));
    expect(direct).toMatchObject({ code: 'recording-read' });
    expect(String(direct)).toContain('The program reads');
    const scaled = tf.op({ scaleByFirst_: (x: tf.Tensor) => x.mul(x.dataSync()[0]!) });
    const inside = thrownBy(scaled);
    expect(inside).toMatchObject({ code: 'recording-read' });
    expect(String(inside)).toContain('The op "scaleByFirst"');
    expect(thrownBy(x => x.mul(x.bufferSync().get(0, 0)))).toMatchObject({ code: 'recording-read' });
  });

  test('shapes that do not fit and types that ONNX lacks are refused', () => {
    expect(() => recorded(of(x => x.matMul(tf.ones([4, 2]))))).toThrow(/matMul/);
    expect(() => recorded(of(x => x.concat(tf.ones([2, 2]))))).toThrow(/concat2D.*2,2.*4,3/);
    expect(() => recorded(of(x => x.slice([2, 0], [3, 3])))).toThrow(/slice2D.*5.*overflow/);
    expect(() => recorded(of(x => tf.stack([x, tf.ones([4, 4])])))).toThrow(/shape/);
    expect(() => recorded(of(x => x.reshape([5, 5])))).toThrow(/12.*5,5/);
    expect(() => recorded(of(x => x.add(tf.ones([5]))))).toThrow(/broadcast/);
    expect(() => recorded(of(x => x.cast('complex64')))).toThrow(/complex64/i);
    expect(() => recorded(of(() => tf.tensor(['text'])))).toThrow(/string/);
  });
});

describe('recording leaves tfjs as it was', () => {
  const body: Program<Params, unknown> = ({ params, inputs }) => {
    const loss = (weight: tf.Tensor) => inputs['x']!.matMul(weight).softmax().square().sum().asScalar();
    const [gradient] = tf.grads(loss)([params.weight]);
    return { outputs: { gradient: gradient!.add(tf.ones([3, 2])), constant: tf.tensor1d([1, 2, 3]) } };
  };

  test('no tensor is left, whether the program returns or throws', () => {
    recorded(body);
    const before = tf.memory();
    recorded(body);
    expect(() =>
      recorded(args => {
        body(args);
        return tf.tidy(() => {
          tf.ones([3]).add(1);
          throw new Error('stop');
        });
      }),
    ).toThrow('stop');
    expect(tf.memory().numTensors).toBe(before.numTensors);
    expect(tf.memory().numDataBuffers).toBe(before.numDataBuffers);
  });

  test('the backend is the one from before', () => {
    expect(tf.getBackend()).toBe('cpu');
    expect([...tf.add([1, 2], 3).dataSync()]).toEqual([4, 5]);
  });
});

describe('tensors captured from outside', () => {
  test('become constants of every graph that uses them and stay usable outside', async () => {
    const captured = tf.tensor2d([1, 2, 3, 4, 5, 6], [2, 3]);
    const other = tf.tensor1d([10, 20, 30]);
    const before = tf.memory().numTensors;
    // The batch axis makes the engine record twice; two executables record it again.
    for (const scale of [1, 2]) {
      const executable = await compile(
        ({ inputs: { x } }) => ({ outputs: { y: x!.matMul(captured).mul(scale).add(other) } }),
        { inputs: { x: { dtype: 'float32', shape: ['batch', 2] } } },
      );
      const { y } = await executable.run({ x: { dtype: 'float32', shape: [1, 2], data: Float32Array.of(1, 10) } });
      expect([...y!.data]).toEqual([41 * scale + 10, 52 * scale + 20, 63 * scale + 30]);
      await executable.release();
    }
    expect(tf.memory().numTensors).toBe(before);
    expect([...captured.add(1).dataSync()]).toEqual([2, 3, 4, 5, 6, 7]);
    tf.dispose([captured, other]);
  });

  test('the same tensor reshaped, twice in one graph, is right', async () => {
    const captured = tf.tensor1d([1, 2, 3, 4]);
    const executable = await compile(
      ({ inputs: { x } }) => ({ outputs: { y: x!.mul(captured).matMul(captured.reshape([4, 1])) } }),
      { inputs: { x: { dtype: 'float32', shape: [1, 4] } } },
    );
    const { y } = await executable.run({ x: { dtype: 'float32', shape: [1, 4], data: Float32Array.of(1, 1, 1, 1) } });
    expect([...y!.data]).toEqual([30]);
    await executable.release();
  });

  test('a tensor that an earlier recording made is refused', async () => {
    let kept: tf.Tensor | undefined;
    const executable = await compile(
      ({ inputs: { x } }) => {
        kept ??= tf.keep(x!.mul(2));
        return { outputs: { y: kept.add(x!) } };
      },
      { inputs: { x: { dtype: 'float32', shape: ['batch', 2] } } },
    );
    await expect(executable.run({ x: wave([1, 2]) })).rejects.toMatchObject({ code: 'invalid-argument' });
    kept?.dispose();
    await executable.release();
  });
});

describe('state of a program', () => {
  const stateful = (next: (state: tf.Tensor) => Record<string, tf.Tensor>) => () =>
    record<unknown, Record<string, tf.Tensor>>(
      'test',
      ({ state }) => ({ outputs: {}, state: next(state['count']!) }),
      { state: { count: { dtype: 'float32', shape: [2], data: new Float32Array(2) } }, inputs: {} },
      {},
    );

  test('must keep its names, shapes and types', () => {
    expect(stateful(count => ({ count: count.add(1) }))).not.toThrow();
    expect(stateful(count => ({ count }))).not.toThrow();
    expect(stateful(() => ({}))).toThrow(/"count" goes in as float32 \[2\] and comes out as nothing/);
    expect(stateful(count => ({ count: count.sum() }))).toThrow(/float32 \[2\] and comes out as float32 \[\]/);
    expect(stateful(count => ({ count: count.cast('int32') }))).toThrow(/comes out as int32 \[2\]/);
    expect(stateful(count => ({ count, extra: count.neg() }))).toThrow(/"extra" goes in as nothing/);
  });
});
