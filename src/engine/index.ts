/** The engine: turns pure tfjs programs into executables. Knows no model. */
import { DuetError } from '../core/errors.ts';
import { CompiledExecutable } from './compiled.ts';
import { checkDimensions } from './dimensions.ts';
import { EagerExecutable } from './eager.ts';
import type { CompileOptions, CompileSpec, Executable, Program } from './types.ts';

export { type InferenceStatus, sessionHost } from './runtime/session-host.ts';
export type {
  CompileOptions,
  CompileSpec,
  Device,
  DimensionLimits,
  Executable,
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
  checkDimensions(options.name ?? 'program', spec);
  switch (device) {
    case 'cpu':
      return new CompiledExecutable(program, spec, options);
    case 'tensorflow':
    case 'reference':
      return EagerExecutable.create(program, spec, options);
  }
}
