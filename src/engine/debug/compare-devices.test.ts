import * as tf from '@tensorflow/tfjs';
import { afterAll, afterEach, expect, test, vi } from 'vitest';
import { wave } from '../../../test/support/kernel-table.ts';
import { layerNorm, linear } from '../../ops/index.ts';
import { lowerings } from '../lowerings/index.ts';
import type { Lowering } from '../lowerings/lowering.ts';
import { sessionHost } from '../runtime/session-host.ts';
import type { CompileSpec, Program } from '../types.ts';
import { compareDevices, comparisonText } from './compare-devices.ts';

afterEach(() => {
  vi.restoreAllMocks();
});
afterAll(() => sessionHost.terminate());

/** Makes the lowering of `kernel` give `wrong` of its inputs. */
function breakLowering(kernel: string, wrong: Lowering): void {
  vi.spyOn(lowerings as Record<string, Lowering>, kernel).mockImplementation(wrong);
}

type Params = { weight: tf.Tensor2D; bias: tf.Tensor1D; scale: tf.Tensor1D };

const spec: CompileSpec<Params> = {
  params: { weight: wave([4, 4], 1), bias: wave([4], 2), scale: wave([4], 3) },
  inputs: { x: { dtype: 'float32', shape: ['batch', 4] } },
};
const inputs = { x: wave([3, 4]) };

/** Fused ops, plain kernels, one with several outputs, and a gradient. */
const program: Program<Params, unknown> = ({ params: { weight, bias, scale }, inputs: { x } }) => {
  const f = (value: tf.Tensor) => {
    const [left, right] = tf.split(layerNorm(linear(value, weight, bias), { weight: scale, bias }), 2, -1);
    return left!.mul(right!.exp()).sum() as tf.Scalar;
  };
  const { value, grad } = tf.valueAndGrad(f)(x!);
  return { outputs: { value, grad } };
};

test('devices that agree: all kernels, forward and backward, and all outputs are compared', async () => {
  const comparison = await compareDevices(program, spec, inputs);
  expect(comparison.first).toBeUndefined();
  expect(comparison.compared).toBeGreaterThan(10);
  expect(comparisonText('norm', comparison)).toBe(
    `norm: all ${comparison.compared} results agree to within ${comparison.rounding.toExponential(1)}\n`,
  );
  expect(comparison.rounding).toBeLessThan(1e-5);
});

test('the first kernel with a wrong lowering is named, not those that follow from it', async () => {
  breakLowering('Exp', ({ graph, inputs: { x } }) => graph.emit('Neg', [x], x!.shape, x!.dtype));
  const comparison = await compareDevices(program, spec, inputs);
  const { first } = comparison;
  expect(first).toMatchObject({ name: expect.stringMatching(/^kernel \d+ \(Exp\)$/), actual: { shape: [3, 2] } });
  const { actual, expected, element, largest } = first!;
  const gaps = [...expected.data].map((b, i) => Math.abs(actual.data[i]! - b) / Math.max(1, Math.abs(b)));
  expect(largest).toBe(Math.max(...gaps));
  expect(gaps[element!]).toBe(largest);
  expect(comparisonText('norm', comparison)).toMatch(
    /^norm: \d+ results agree to within \S+, then kernel \d+ \(Exp\) is the first that differs\nfloat32 \[3, 2\] differs by .*: element \d is .* instead of /,
  );
});

test('one of several outputs, a fused op, and a kernel of the gradient are told apart', async () => {
  const split = lowerings['SplitV']!;
  breakLowering('SplitV', call => {
    const [left, right] = [split(call)].flat();
    return [left!, call.graph.emit('Neg', [right], right!.shape, right!.dtype)];
  });
  const several = await compareDevices(program, spec, inputs);
  expect(several.first?.name).toMatch(/^kernel \d+ \(SplitV\), output 1$/);
  vi.restoreAllMocks();
  breakLowering('DuetLayerNorm', ({ graph, inputs: { x } }) => graph.emit('Neg', [x], x!.shape, x!.dtype));
  const fused = await compareDevices(program, spec, inputs);
  expect(fused.first?.name).toMatch(/^kernel \d+ \(DuetLayerNorm\)$/);
});

test('NaN beside a number, another shape, and what the tolerance lets through', async () => {
  breakLowering('Neg', ({ graph, inputs: { x } }) => graph.emit('Sqrt', [graph.scalar(-1)], [], x!.dtype));
  const negated: Program<unknown, unknown> = ({ inputs: { x } }) => ({ outputs: { y: x!.neg() } });
  const wrongShape = await compareDevices(negated, { inputs: spec.inputs }, inputs);
  expect(wrongShape.first).toMatchObject({ name: 'kernel 0 (Neg)', largest: Number.POSITIVE_INFINITY });
  expect(comparisonText('p', wrongShape)).toContain('float32 [] instead of float32 [3, 4]');
  breakLowering('Neg', ({ graph, inputs: { x } }) =>
    graph.emit('Log', [graph.emit('Sub', [x, graph.scalar(9)], x!.shape, x!.dtype)], x!.shape, x!.dtype),
  );
  const notANumber = await compareDevices(negated, { inputs: spec.inputs }, inputs);
  expect(notANumber.first).toMatchObject({ name: 'kernel 0 (Neg)', largest: Number.POSITIVE_INFINITY, element: 0 });
  breakLowering('Neg', ({ graph, inputs: { x } }) => {
    const y = graph.emit('Neg', [x], x!.shape, x!.dtype);
    return graph.emit('Add', [y, graph.scalar(0.01)], x!.shape, x!.dtype);
  });
  expect((await compareDevices(negated, { inputs: spec.inputs }, inputs)).first?.largest).toBeCloseTo(0.01, 5);
  expect((await compareDevices(negated, { inputs: spec.inputs }, inputs, { tolerance: 0.011 })).first).toBeUndefined();
});

test('an abort ends the comparison', async () => {
  const comparison = compareDevices(program, spec, inputs, { signal: AbortSignal.abort(new Error('enough')) });
  await expect(comparison).rejects.toThrow('enough');
});

test('a program with state is compared from the state that it is compiled with, and tensors do not leak', async () => {
  const counting: Program<unknown, { sum: tf.Tensor }> = ({ state, inputs: { x } }) => {
    const sum = state.sum.add(x!.sum());
    return { outputs: { sum }, state: { sum } };
  };
  const stateful = { ...spec, params: {}, state: { sum: { ...wave([], 0.1) } } };
  const before = tf.memory().numTensors;
  expect(await compareDevices(counting, stateful, inputs)).toEqual({ compared: 3, rounding: expect.any(Number) });
  expect(tf.memory().numTensors).toBe(before);
});
