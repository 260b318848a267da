/** Checks of a program's state: what a caller writes, and what the program returns. */
import { DuetError } from '../core/errors.ts';
import { type DType, type HostTensor, sizeOf } from '../core/host-tensor.ts';

/**
 * Checks that `given` has every tensor of the state, by dotted name, and nothing else.
 * @throws DuetError `invalid-argument` that names the first tensor that does not fit
 */
export function checkState(
  expected: Readonly<Record<string, { dtype: DType; shape: readonly number[] }>>,
  given: Readonly<Record<string, HostTensor>>,
): void {
  const unknown = Object.keys(given).filter(name => !(name in expected));
  if (unknown.length > 0) {
    throw new DuetError('invalid-argument', `The program has no state "${unknown.join('", "')}"`);
  }
  for (const [name, { dtype, shape }] of Object.entries(expected)) {
    const tensor = given[name];
    if (tensor?.dtype === dtype && tensor.shape.join() === shape.join() && tensor.data.length === sizeOf(shape))
      continue;
    const got = tensor ? `${tensor.dtype} [${tensor.shape.join(', ')}] with ${tensor.data.length} values` : 'nothing';
    throw new DuetError('invalid-argument', `State "${name}" must be ${dtype} [${shape.join(', ')}], got ${got}`);
  }
}

type Described = Readonly<Record<string, { dtype: string; shape: readonly number[] }>>;

/** Checks that a program's new state has the names, types and shapes of the old one. Throws `invalid-argument`. */
export function checkNextState(before: Described, after: Described): void {
  for (const name of new Set([...Object.keys(before), ...Object.keys(after)])) {
    const [old, next] = [before[name], after[name]];
    if (old && next && old.dtype === next.dtype && old.shape.join() === next.shape.join()) continue;
    const say = (tensor?: { dtype: string; shape: readonly number[] }) =>
      tensor ? `${tensor.dtype} [${tensor.shape.join(', ')}]` : 'nothing';
    throw new DuetError(
      'invalid-argument',
      `State "${name}" goes in as ${say(old)} and comes out as ${say(next)}; it must keep its type and shape`,
    );
  }
}
