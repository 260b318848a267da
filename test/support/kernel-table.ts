/**
 * Table-driven tests of kernel lowerings: one row of cases per kernel. All cases of a row are recorded as one program,
 * forward and gradients, and compared with the same program run op by op on tfjs's JavaScript backend.
 */
import * as tf from '@tensorflow/tfjs';
import { afterAll, expect, test } from 'vitest';
import { type DType, type HostTensor, sizeOf } from '../../src/core/host-tensor.ts';
import { compile, type Executable, type TensorRecord } from '../../src/engine/index.ts';
import type { Lowering } from '../../src/engine/lowerings/lowering.ts';
import { sessionHost } from '../../src/engine/runtime/session-host.ts';

type Op = (...xs: tf.Tensor[]) => tf.Tensor | tf.Tensor[];

export interface KernelCase {
  readonly f: Op;
  readonly inputs: readonly HostTensor[];
  /** Indices of the inputs whose gradient is compared. @default all float32 inputs */
  readonly gradients?: readonly number[];
  /** Largest allowed |a - b| / max(1, |b|). @default 2e-6, a few roundings of float32 */
  readonly tolerance?: number;
}

/** A case compared forward and backward. */
export function check(f: Op, ...inputs: HostTensor[]): KernelCase {
  return { f, inputs };
}

/** A case compared forward only: the kernel has no gradient in tfjs, or the values are too extreme for one. */
export function forward(f: Op, ...inputs: HostTensor[]): KernelCase {
  return { f, inputs, gradients: [] };
}

/** The same cases with a wider tolerance, for sums of many products. */
export function within(tolerance: number, ...cases: KernelCase[]): KernelCase[] {
  return cases.map(item => ({ ...item, tolerance }));
}

/** amplitude cos(0.7 i + phase): smooth, no two values alike. */
export function wave(shape: readonly number[], phase = 0, amplitude = 1): HostTensor {
  const data = Float32Array.from({ length: sizeOf(shape) }, (_, i) => amplitude * Math.cos(0.7 * i + phase));
  return { dtype: 'float32', shape, data };
}

/** Values strictly between `low` and `high`. */
export function between(low: number, high: number, shape: readonly number[], phase = 0): HostTensor {
  const data = wave(shape, phase).data.map(value => low + (high - low) * (0.5 + 0.49 * value));
  return { dtype: 'float32', shape, data };
}

export function floats(...values: number[]): HostTensor {
  return { dtype: 'float32', shape: [values.length], data: Float32Array.from(values) };
}

export function ints(shape: readonly number[], ...values: number[]): HostTensor {
  return { dtype: 'int32', shape, data: Int32Array.from(values) };
}

export function bools(shape: readonly number[], ...values: number[]): HostTensor {
  return { dtype: 'bool', shape, data: Uint8Array.from(values) };
}

/** Zeros of both signs, ones, tiny and huge numbers, infinities, NaN. */
export const extremes = floats(
  ...[0, -0, 1, -1, 0.5, -0.5, 2.5, -2.5, 1e-20, -1e-20, 1e20, -1e20, 3.4e38, -3.4e38],
  ...[Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, Number.NaN],
);

const outputsOf = (result: tf.Tensor | tf.Tensor[]): tf.Tensor[] => (Array.isArray(result) ? result : [result]);

/** sum of every float output times a fixed wave: its gradient mixes all elements differently. */
function loss(result: tf.Tensor | tf.Tensor[]): tf.Scalar {
  const terms = outputsOf(result).map((y, index) => {
    const { data } = wave(y.shape, 0.3 + index);
    return y.mul(tf.tensor(data, y.shape, 'float32')).sum();
  });
  return tf.addN(terms) as tf.Scalar;
}

function runCase({ f, inputs, gradients }: KernelCase, xs: tf.Tensor[], name: string, outputs: TensorRecord): void {
  for (const [index, y] of outputsOf(f(...xs)).entries()) outputs[`${name} output ${index}`] = y;
  const varied = gradients ?? inputs.flatMap(({ dtype }, index) => (dtype === 'float32' ? [index] : []));
  if (varied.length === 0) return;
  const gradient = tf.grads((...some) => {
    const all = [...xs];
    for (const [position, index] of varied.entries()) all[index] = some[position]!;
    return loss(f(...all));
  });
  const found = gradient(varied.map(index => xs[index]!));
  for (const [position, index] of varied.entries()) outputs[`${name} gradient of ${index}`] = found[position]!;
}

/** Compiles all cases as one program for a device. */
async function compileCases(cases: readonly KernelCase[], device: 'cpu' | 'reference', name: string) {
  const named = cases.flatMap((item, index) =>
    item.inputs.map((input, position) => [`${index}.${position}`, input] as const),
  );
  const executable = await compile(
    ({ inputs }) => {
      const outputs: TensorRecord = {};
      for (const [index, item] of cases.entries()) {
        const xs = item.inputs.map((_, position) => inputs[`${index}.${position}`]!);
        runCase(item, xs, `case ${index}:`, outputs);
      }
      return { outputs };
    },
    { inputs: Object.fromEntries(named.map(([key, { dtype, shape }]) => [key, { dtype, shape }])) },
    { device, name, threads: 1 },
  );
  return { executable, inputs: Object.fromEntries(named) };
}

export function expectClose(actual: HostTensor, expected: HostTensor, tolerance: number, what: string): void {
  const describe = ({ dtype, shape }: { dtype: DType; shape: readonly number[] }) => `${dtype} [${shape.join(', ')}]`;
  expect(`${what} ${describe(actual)}`).toBe(`${what} ${describe(expected)}`);
  for (const [index, wanted] of expected.data.entries()) {
    const got = actual.data[index]!;
    const same = got === wanted || (Number.isNaN(got) && Number.isNaN(wanted));
    if (same || Math.abs(got - wanted) <= tolerance * Math.max(1, Math.abs(wanted))) continue;
    expect.fail(
      `${what}: element ${index} is ${got}, the reference has ${wanted}\n` +
        `got      ${[...actual.data].slice(0, 40).join(' ')}\nexpected ${[...expected.data].slice(0, 40).join(' ')}`,
    );
  }
}

/** Compares compiled and eager results of all cases; returns the names of the tfjs kernels that ran. */
export async function compareDevices(cases: readonly KernelCase[], name: string): Promise<readonly string[]> {
  const reference = await compileCases(cases, 'reference', name);
  const compiled = await compileCases(cases, 'cpu', name);
  const open: Executable[] = [reference.executable, compiled.executable];
  try {
    let expected: Record<string, HostTensor> = {};
    const previous = tf.getBackend();
    // Profiling needs an active backend that has timers.
    await tf.setBackend('cpu');
    const profile = await tf.profile(async () => {
      expected = await reference.executable.run(reference.inputs);
      return [];
    });
    if (previous) await tf.setBackend(previous);
    const actual = await compiled.executable.run(compiled.inputs);
    for (const [output, tensor] of Object.entries(expected)) {
      const { tolerance } = cases[Number(/\d+/.exec(output)![0])]!;
      expectClose(actual[output]!, tensor, tolerance ?? 2e-6, `${name}, ${output}`);
    }
    return profile.kernelNames;
  } finally {
    for (const executable of open) await executable.release();
  }
}

/** One test per kernel of `table`. Rows are required by type, and by a test for the sake of untyped callers. */
export function testKernels<T extends Record<string, Lowering>>(
  table: T,
  rows: Readonly<Record<keyof T & string, readonly KernelCase[]>>,
): void {
  afterAll(() => sessionHost.terminate());
  test('every kernel of the table has a row', () => {
    expect(Object.keys(rows).sort()).toEqual(Object.keys(table).sort());
  });
  for (const [kernel, cases] of Object.entries<readonly KernelCase[]>(rows)) {
    test(kernel, async () => {
      expect(await compareDevices(cases, kernel)).toContain(kernel);
    });
  }
}
