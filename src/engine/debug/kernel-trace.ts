/** A program with every kernel's result among its outputs: two devices are compared by these. */
import * as tf from '@tensorflow/tfjs';
import type { Program, TensorRecord } from '../types.ts';

/**
 * `program` with further outputs before its own, in the order of computation: `kernel 12 (Add)` for each tfjs kernel that it
 * calls, forward and backward, `kernel 12 (Split), output 1` for one with several. Its own are called `output NAME`. Kernels
 * inside of kernels (the composed form of a fused op) are not distinguished, so that the names are the same on all devices.
 */
export function traced<P, S>(program: Program<P, S>): Program<P, S> {
  return args => {
    const kept: (readonly [name: string, tensor: tf.Tensor])[] = [];
    try {
      const { outputs, ...rest } = withKernelListener(
        (kernel, tensor) => kept.push([kernel, tf.keep(tensor.clone())]),
        () => program(args),
      );
      const all: TensorRecord = {};
      // A clone belongs to the scope of the call and goes with it.
      for (const [name, tensor] of kept) all[name] = tensor.clone();
      for (const [name, tensor] of Object.entries(outputs)) all[`output ${name}`] = tensor;
      return { outputs: all, ...rest };
    } finally {
      for (const [, tensor] of kept) tensor.dispose();
    }
  };
}

/** Calls `body`, and `listener` with every result of a kernel that `body` calls. */
function withKernelListener<R>(listener: (name: string, tensor: tf.Tensor) => void, body: () => R): R {
  const engine = tf.engine();
  // All ops call kernels through this method; tfjs has no hook for listeners, and its profiler keeps no values.
  const { runKernel } = engine;
  let count = 0;
  let isInside = false;
  const listening = (...call: Parameters<typeof runKernel>): tf.Tensor | tf.Tensor[] => {
    if (isInside) return runKernel.apply(engine, call);
    isInside = true;
    try {
      const result = runKernel.apply(engine, call);
      const name = `kernel ${count++} (${call[0]})`;
      if (Array.isArray(result)) {
        for (const [index, tensor] of result.entries()) listener(`${name}, output ${index}`, tensor);
      } else listener(name, result);
      return result;
    } finally {
      isInside = false;
    }
  };
  engine.runKernel = listening as typeof runKernel;
  try {
    return body();
  } finally {
    engine.runKernel = runKernel;
  }
}
