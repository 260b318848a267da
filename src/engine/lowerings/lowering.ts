/** What a kernel lowering is: tfjs kernel call in, ONNX nodes out. */
import * as tf from '@tensorflow/tfjs';
import type { GraphBuilder, Value } from '../onnx/graph-builder.ts';

export interface KernelCall {
  readonly graph: GraphBuilder;
  /** Inputs by tfjs's names; for variadic kernels (Concat, Pack, AddN) the keys are '0', '1', … */
  readonly inputs: Readonly<Record<string, Value>>;
  /** Raw tfjs attributes: negative axes, -1 and null are possible. */
  readonly attrs: Readonly<Record<string, unknown>>;
}

export type Lowering = (call: KernelCall) => Value | Value[];

/** An input that the kernel cannot do without. */
export function input({ inputs }: KernelCall, name: string): Value {
  const value = inputs[name];
  if (!value) throw new TypeError(`Kernel input "${name}" is missing; got ${Object.keys(inputs).join(', ')}`);
  return value;
}

/** Non-negative axes of `shape`, ascending; all axes for null or undefined. */
export function axesOf(axis: unknown, shape: readonly number[]): number[] {
  return tf.util.parseAxisParam(axis as number | number[], [...shape]).sort((a, b) => a - b);
}

/** The broadcast shape of two shapes (NumPy rules). */
export function broadcastShape(a: readonly number[], b: readonly number[]): number[] {
  return tf.broadcast_util.assertAndGetBroadcastShape([...a], [...b]);
}
