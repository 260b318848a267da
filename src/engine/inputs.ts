/** Shapes of inputs: resolving the symbolic batch, checking what a caller passes to a run. */
import { DuetError } from '../core/errors.ts';
import { type HostTensor, sizeOf } from '../core/host-tensor.ts';
import type { InputSpec } from './types.ts';

type InputSpecs = Readonly<Record<string, InputSpec>>;

/** Concrete shapes for one batch size. */
export function inputShapes(specs: InputSpecs, batch: number): Record<string, number[]> {
  return Object.fromEntries(
    Object.entries(specs).map(([name, { shape }]) => [
      name,
      shape.map(dimension => (dimension === 'batch' ? batch : dimension)),
    ]),
  );
}

/** The batch size of a run (1 if no input has a batch axis). Throws `invalid-argument` if an input is missing, unknown or of another shape or type. */
export function batchOf(program: string, specs: InputSpecs, inputs: Readonly<Record<string, HostTensor>>): number {
  const unknown = Object.keys(inputs).filter(name => !(name in specs));
  if (unknown.length > 0) {
    throw new DuetError(
      'invalid-argument',
      `${program} has no input "${unknown.join('", "')}"; it takes ${Object.keys(specs).join(', ')}`,
    );
  }
  let batch: number | undefined;
  for (const [name, { dtype, shape }] of Object.entries(specs)) {
    const tensor = inputs[name];
    const fits =
      tensor?.dtype === dtype &&
      tensor.shape.length === shape.length &&
      tensor.data.length === sizeOf(tensor.shape) &&
      shape.every((dimension, axis) => {
        if (dimension !== 'batch') return dimension === tensor.shape[axis];
        batch ??= tensor.shape[axis]!;
        return batch === tensor.shape[axis];
      });
    if (!fits) {
      const got = tensor ? `${tensor.dtype} [${tensor.shape.join(', ')}] with ${tensor.data.length} values` : 'nothing';
      const wanted = shape.map(dimension => (dimension === 'batch' ? (batch ?? 'batch') : dimension)).join(', ');
      throw new DuetError('invalid-argument', `Input "${name}" of ${program} must be ${dtype} [${wanted}], got ${got}`);
    }
  }
  return batch ?? 1;
}
