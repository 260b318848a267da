/** Sequences of a small program whose answers are easily known, for tests of how sequences are kept. */
import * as tf from '@tensorflow/tfjs';
import { afterEach, vi } from 'vitest';
import type { HostTensor } from '../../src/core/host-tensor.ts';
import {
  compile,
  createSequences,
  type Device,
  type Executable,
  type Program,
  type SequenceStore,
} from '../../src/engine/index.ts';
import { floats, ints } from './kernel-table.ts';

/** A position is two numbers, their product as an integer, and whether the first is above zero. */
export const layout = {
  pair: { dtype: 'float32', shape: [2] },
  product: { dtype: 'int32', shape: [] },
  positive: { dtype: 'bool', shape: [] },
} as const;

/** Adds the positions of `x`; tells of those before: how many are positive, and sums that depend on their order. */
export const program: Program<unknown, unknown> = ({ inputs }) => {
  const { x, pair, product, positive, pastLengths } = inputs as Record<string, tf.Tensor>;
  const [batch, length] = x!.shape as [number, number, number];
  const past = pair!.shape[1]!;
  const slots = tf.range(0, past, 1, 'float32').reshape([1, past]);
  const isThere = tf.less(slots, pastLengths!.cast('float32').reshape([batch, 1])).cast('float32');
  const places = slots.add(1).mul(isThere);
  const [first, second] = [0, 1].map(axis => x!.slice([0, 0, axis], [batch, length, 1]).reshape([batch, length]));
  return {
    outputs: {
      ordered: pair!.mul(places.reshape([batch, past, 1])).sum(1),
      // Without a mask: what lies behind the end of a row is zero.
      products: product!.sum(1),
      positives: positive!.cast('int32').sum(1),
      pair: x!,
      product: first!.mul(second!).cast('int32'),
      positive: first!.greater(0),
    },
  };
};

export type Position = readonly [number, number];

/** What the program says of `positions`. */
export function oracle(positions: readonly Position[]): Record<string, HostTensor> {
  const ordered = [0, 1].map(axis => positions.reduce((sum, pair, index) => sum + (index + 1) * pair[axis]!, 0));
  const products = positions.reduce((sum, [a, b]) => sum + a * b, 0);
  const positives = positions.filter(([a]) => a > 0).length;
  return {
    ordered: floats(...ordered),
    products: { ...ints([], products) },
    positives: { ...ints([], positives) },
  };
}

/** Inputs of one row that add `positions`. */
export const x = (...positions: Position[]): Record<string, HostTensor> => ({
  x: { dtype: 'float32', shape: [positions.length, 2], data: Float32Array.from(positions.flat()) },
});

/** Inputs of the program. */
export const inputs = { x: { dtype: 'float32', shape: ['batch', 'length', 2] } } as const;

const open: (Executable | SequenceStore)[] = [];

/** For the tests of one file: what was opened is released after each, and mocks are restored. */
export function releaseAfterEach(): void {
  afterEach(async () => {
    for (const item of open.splice(0)) await item.release();
    vi.restoreAllMocks();
  });
}

/** Notes that `items` are to be released after the test. */
export function opened(...items: (Executable | SequenceStore)[]): void {
  open.push(...items);
}

export async function setUp(device: Device, options: { maxBytes?: number; positions?: string } = {}) {
  const { positions, ...rest } = options;
  const sequences = createSequences(layout, { device, ...rest });
  const spec = { inputs, sequences, ...(positions && { positions }) };
  const executable = await compile(program, spec, { device, name: 'toy', threads: 1 });
  opened(executable, sequences);
  return { sequences, executable };
}
