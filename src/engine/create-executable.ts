/** Which class runs programs on which device. */
import { EagerExecutable } from './eager-executable.ts';
import { OnnxExecutable } from './onnx-executable.ts';
import type { CompileOptions, CompileSpec, Executable, Program } from './types.ts';

/** The executable of `program` on the device of `options`, which were checked. */
export async function createExecutable<P, S>(
  program: Program<P, S>,
  spec: CompileSpec,
  options: CompileOptions,
): Promise<Executable> {
  switch (options.device ?? 'cpu') {
    case 'cpu':
      return new OnnxExecutable(program, spec, options);
    case 'tensorflow':
    case 'reference':
      return EagerExecutable.create(program, spec, options);
  }
}
