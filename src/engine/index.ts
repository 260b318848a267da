/** The engine: turns pure tfjs programs into executables. Knows no model. */
import { DuetError } from '../core/errors.ts';
import { createExecutable } from './create-executable.ts';
import { comparedAtFirstRun } from './debug/compare-devices.ts';
import { debugKinds } from './debug/debug-switch.ts';
import { checkDimensions } from './dimensions.ts';
import { EagerSequences } from './sequences/eager-sequences.ts';
import { withSequenceInputs } from './sequences/extend-rows.ts';
import { ProcessSequences } from './sequences/process-sequences.ts';
import { defaultMaxBytes } from './sequences/sequence-limits.ts';
import { type SequenceLayout, SequenceStore } from './sequences/sequence-store.ts';
import type { CompileOptions, CompileSpec, Device, Executable, Program } from './types.ts';

export { type InferenceStatus, sessionHost } from './runtime/session-host.ts';
export type { SequenceRow } from './sequences/extend-rows.ts';
export type { Sequence, SequenceLayout, SequenceOptions, SequenceStore } from './sequences/sequence-store.ts';
export type {
  CompileOptions,
  CompileSpec,
  Device,
  DimensionLimits,
  Executable,
  ExtendOptions,
  InputSpec,
  Precision,
  Program,
  RunOptions,
  Sources,
  TensorRecord,
} from './types.ts';

/**
 * Makes `program` runnable on a device.
 *
 * On `cpu` the program is called on tensors without values, a few times for all sizes of its named dimensions or once for
 * each size, and must be pure: no reading of values, no randomness of its own, no state outside its arguments.
 *
 * @example
 * const double = await compile(({ inputs }) => ({ outputs: { y: inputs.x.mul(2) } }), {
 *   inputs: { x: { dtype: 'float32', shape: ['batch', 3] } },
 * });
 * const { y } = await double.run({ x: float32([1, 3], Float32Array.of(1, 2, 3)) });
 */
export async function compile<P, S>(
  program: Program<P, S>,
  values: CompileSpec<P, S>,
  options: CompileOptions = {},
): Promise<Executable> {
  // From here on trees are looked at leaf by leaf; that they have the structure of P and S was checked by the compiler.
  const spec = values as CompileSpec;
  options.signal?.throwIfAborted();
  const { device = 'cpu', precision = 'fp32' } = options;
  if (precision !== 'fp32' && device !== 'cpu') {
    throw new DuetError('invalid-argument', `Precision ${precision} is for the device cpu; ${device} computes in fp32`);
  }
  const name = options.name ?? 'program';
  const debug = debugKinds();
  checkDimensions(name, withSequenceInputs(name, spec));
  const executable = await createExecutable(program, spec, options);
  return debug.has('compare') && device !== 'reference'
    ? comparedAtFirstRun(executable, program, values, options)
    : executable;
}

export interface SequencesOptions {
  /** That of the programs that extend them. @default 'cpu' */
  readonly device?: Device;
  /**
   * Bytes that all of them may take together, with what a call that extends several needs to lay them side by side. A call for
   * which there is no room is made in halves; if that does not help, it fails with 'memory-full'.
   * @default a quarter of the machine's (or container's) memory; sequences of the inference process share it
   */
  readonly maxBytes?: number;
}

/**
 * Sequences whose growing tensors stay where programs run: on the device `cpu` in the inference process.
 * @param layout one position of each tensor
 *
 * @example
 * const sequences = createSequences({ key: { dtype: 'float32', shape: [64] }, value: { dtype: 'float32', shape: [64] } });
 * const step = await compile(program, { params, inputs: { ids: { dtype: 'int32', shape: ['batch'] } }, sequences });
 * const sequence = sequences.create({ signal });
 * const [row] = await step.extend([{ sequence, inputs: { ids: { dtype: 'int32', shape: [], data: Int32Array.of(7) } } }]);
 * sequences.drop(sequence);
 */
export function createSequences(layout: SequenceLayout, options: SequencesOptions = {}): SequenceStore {
  const { device = 'cpu', maxBytes } = options;
  if (maxBytes !== undefined && !(maxBytes > 0)) {
    throw new DuetError('invalid-argument', `maxBytes must be a positive number of bytes, got ${maxBytes}`);
  }
  const backend =
    device === 'cpu'
      ? new ProcessSequences(layout, maxBytes)
      : new EagerSequences(layout, maxBytes ?? defaultMaxBytes());
  return new SequenceStore(layout, backend);
}
