/** Networks under test: weights of them, and the comparison of the compiled with the eager network. */
import * as tf from '@tensorflow/tfjs';
import { expect } from 'vitest';
import { float32, type HostTensor, isHostTensor, sizeOf } from '../../src/core/host-tensor.ts';
import { seededRandom } from '../../src/core/random.ts';
import { mapTree, type Tree } from '../../src/core/tree.ts';
import { type DimensionSizes, inputShapes } from '../../src/engine/dimensions.ts';
import { type CompileSpec, compile, type InputSpec, type Program } from '../../src/engine/index.ts';
import { type Filled, initialise, type ParamSpec, type Params } from '../../src/nn/params.ts';
import { expectClose } from './kernel-table.ts';

interface WeightOptions {
  /** @default 1 */
  readonly seed?: number;
  /** Of all weights that are no vectors, so that every part of a small network has a visible effect. @default 1 */
  readonly factor?: number;
}

/** Fresh weights of `spec`. */
export function freshWeights<S extends Tree<ParamSpec>>(spec: S, options: WeightOptions = {}): Filled<S, HostTensor> {
  const { seed = 1, factor = 1 } = options;
  return mapTree(initialise(spec, seededRandom(seed)) as Tree<HostTensor>, isHostTensor, tensor => {
    const data = tensor.shape.length > 1 ? tensor.data.map(value => factor * value) : tensor.data;
    return { ...tensor, data };
  }) as Filled<S, HostTensor>; // mapping forgets the type
}

/** The same as tensors of tfjs. */
export function freshParams<S extends Tree<ParamSpec>>(spec: S, options: WeightOptions = {}): Params<S> {
  return mapTree(freshWeights(spec, options) as Tree<HostTensor>, isHostTensor, ({ data, shape, dtype }) =>
    tf.tensor(data, [...shape], dtype),
  ) as Params<S>; // mapping forgets the type
}

type Inputs = Readonly<Record<string, HostTensor>>;

/** Inputs for the given sizes: waves, of which integers have the sign, 0 or 1. */
export function exampleInputs(specs: Readonly<Record<string, InputSpec>>, sizes: DimensionSizes): Inputs {
  const shapes = Object.entries(inputShapes(specs, sizes));
  return Object.fromEntries(
    shapes.map(([name, shape], k) => {
      const values = Array.from({ length: sizeOf(shape) }, (_, i) => Math.cos(0.3 * i + k));
      if (specs[name]!.dtype === 'float32') return [name, float32(shape, Float32Array.from(values))];
      return [name, { dtype: 'int32', shape, data: Int32Array.from(values, value => (value > 0 ? 1 : 0)) }];
    }),
  );
}

/** A program of the forward pass. */
type Forward<P> = Program<P, undefined>;

/**
 * Expects that one recording of `program` serves all `runs`, and that its outputs are those of the eager program within
 * `tolerance` (relative to values above 1).
 */
export async function expectOneGraph<P>(
  program: Forward<P>,
  spec: CompileSpec<P, undefined>,
  runs: readonly Inputs[],
  tolerance = 1e-5,
): Promise<void> {
  let recordings = 0;
  const counted: Forward<P> = args => {
    recordings++;
    return program(args);
  };
  const [eager, compiled] = [
    await compile(program, spec, { device: 'reference' }),
    await compile(counted, spec, { threads: 1 }),
  ];
  try {
    for (const [index, inputs] of runs.entries()) {
      const expected = await eager.run(inputs);
      recordings = 0;
      const got = await compiled.run(inputs);
      if (index > 0) expect(recordings, `recordings in run ${index}`).toBe(0);
      for (const [name, tensor] of Object.entries(expected)) {
        expectClose(got[name]!, tensor, tolerance, `${name}, run ${index}`);
      }
    }
  } finally {
    await Promise.all([eager.release(), compiled.release()]);
  }
}
