/**
 * Registers a fused kernel with tfjs: a composed implementation for the eager backends and, where it can be
 * differentiated, a gradient made of plain kernels, so that the backward pass records like everything else.
 */
import * as tf from '@tensorflow/tfjs';
import { DuetError } from '../core/errors.ts';
import type { KernelAttributes, KernelName } from './kernel-names.ts';

/** Tensors by input name; absent optional inputs have no key at all (tfjs walks the keys). */
export type KernelInputs = Readonly<Record<string, tf.Tensor>>;

/** Gradients by input name, computed only for the inputs that need one. */
type Gradients = Record<string, () => tf.Tensor>;

export interface FusedKernel<K extends KernelName> {
  readonly name: K;
  readonly compose: (inputs: KernelInputs, attributes: KernelAttributes[K]) => tf.Tensor;
  /** Required inputs that `gradient` reads, in the order of its `saved`. */
  readonly save?: readonly string[];
  readonly gradient?: (dy: tf.Tensor, saved: tf.Tensor[], attributes: KernelAttributes[K]) => Gradients;
}

const eagerBackends = ['cpu', 'tensorflow'];

/** Makes `kernel` known to tfjs. A second registration of the same name is ignored. */
export function registerFusedKernel<K extends KernelName>(kernel: FusedKernel<K>): void {
  const { name, compose, save, gradient } = kernel;
  for (const backendName of eagerBackends) {
    if (tf.getKernel(name, backendName)) continue;
    tf.registerKernel({
      kernelName: name,
      backendName,
      kernelFunc: ({ inputs, attrs }) =>
        tf.tidy(() => compose(inputs as KernelInputs, attrs as unknown as KernelAttributes[K])),
    });
  }
  if (gradient && !tf.getGradient(name)) {
    tf.registerGradient({
      kernelName: name,
      inputsToSave: [...(save ?? [])],
      gradFunc: (dy, saved, attrs) => gradient(dy as tf.Tensor, saved, attrs as unknown as KernelAttributes[K]),
    });
  }
}

/** Runs fused kernel `name` on the current backend. */
export function runFusedKernel<K extends KernelName>(
  name: K,
  inputs: KernelInputs,
  attributes: KernelAttributes[K],
): tf.Tensor {
  return tf
    .engine()
    .runKernel(name, inputs, attributes as unknown as Parameters<ReturnType<typeof tf.engine>['runKernel']>[2]);
}

/** Throws `invalid-argument` with `message()` unless `condition` holds. */
export function assertShape(condition: boolean, message: () => string): asserts condition {
  if (!condition) throw new DuetError('invalid-argument', message());
}

/** A shape as it is written in messages. */
export function show(tensor: tf.Tensor): string {
  return `[${tensor.shape.join(', ')}]`;
}
