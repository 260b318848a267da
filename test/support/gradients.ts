/** Gradients of networks under test, compiled and eager. */
import type * as tf from '@tensorflow/tfjs';
import { expect } from 'vitest';
import type { HostTensor } from '../../src/core/host-tensor.ts';
import { flattenTree, type Tree } from '../../src/core/tree.ts';
import { compile, type Device, type Program, type TensorRecord } from '../../src/engine/index.ts';
import { isTensor } from '../../src/engine/is-tensor.ts';
import type { Sources } from '../../src/engine/types.ts';
import { lossGradients, nest } from '../../src/train/step.ts';

interface Problem<P> {
  readonly loss: (params: P, inputs: TensorRecord) => tf.Tensor;
  readonly params: Sources<P, HostTensor>;
  readonly inputs: Readonly<Record<string, HostTensor>>;
}

/** The loss, as `loss`, and its gradient by parameter name. */
async function gradientsOn<P>(device: Device, { loss, params, inputs }: Problem<P>) {
  const program: Program<P, undefined> = ({ params: own, inputs: given }) => {
    const flat = flattenTree<tf.Tensor>(own as unknown as Tree<tf.Tensor>, isTensor);
    // The structure is that of the parameters; mapping it forgets its type.
    const treeOf = (variables: TensorRecord) => nest(variables, params as unknown as Tree<HostTensor>) as P;
    const result = lossGradients(variables => ({ loss: loss(treeOf(variables), given).asScalar() }), flat);
    return { outputs: { loss: result.loss, ...result.gradients } };
  };
  const executable = await compile(program, { params: params as Sources<P>, inputs }, { device, threads: 1 });
  try {
    return await executable.run(inputs);
  } finally {
    await executable.release();
  }
}

/**
 * Expects that the compiled gradients are the eager ones within `tolerance` and ten times as much of their size.
 * @returns the eager loss, as `loss`, and its gradient by parameter name
 */
export async function expectSameGradients<P>(
  problem: Problem<P>,
  tolerance: number,
): Promise<Readonly<Record<string, HostTensor>>> {
  const [eager, compiled] = [await gradientsOn('reference', problem), await gradientsOn('cpu', problem)];
  for (const [name, { data }] of Object.entries(eager)) {
    data.forEach((value, i) => {
      expect(Math.abs(value - compiled[name]!.data[i]!), name).toBeLessThan(tolerance * (1 + 10 * Math.abs(value)));
    });
  }
  return eager;
}
