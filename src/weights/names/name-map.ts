/**
 * Foreign checkpoints' names and layouts as data: each of our parameters says which of their tensors it is made of and
 * how. Only this folder knows foreign names.
 */
import { DuetError } from '../../core/errors.ts';
import { float32, type HostTensor, sizeOf } from '../../core/host-tensor.ts';
import { mapTree, type Tree } from '../../core/tree.ts';
import { isParamSpec, type ParamSpec } from '../../nn/params.ts';

export interface NameRule {
  /** Dotted name of our parameter. */
  readonly ours: string;
  /** Their tensor, or several for {@link transform}. */
  readonly theirs: string | readonly string[];
  /** Makes our tensor of theirs (in the order of `theirs`). @default the tensor as it is */
  readonly transform?: (tensors: readonly HostTensor[]) => HostTensor;
}

/** Gives a tensor of the checkpoint by its name there, or undefined. */
export type ReadTensor = (name: string) => HostTensor | undefined;

/**
 * Our parameter tree from a checkpoint.
 * @throws DuetError `invalid-weights` naming what is missing or of another shape
 */
export function paramsFromRules(spec: Tree<ParamSpec>, rules: readonly NameRule[], read: ReadTensor): Tree<HostTensor> {
  const byName = new Map(rules.map(rule => [rule.ours, rule]));
  return mapTree(spec, isParamSpec, ({ shape }, name) => {
    const rule = byName.get(name);
    if (!rule) throw new DuetError('invalid-weights', `No rule says where parameter ${name} comes from`);
    const names = typeof rule.theirs === 'string' ? [rule.theirs] : rule.theirs;
    const tensors = names.map(theirs => {
      const tensor = read(theirs);
      if (!tensor)
        throw new DuetError('invalid-weights', `The checkpoint has no tensor ${theirs} (needed for ${name})`);
      return tensor;
    });
    const tensor = rule.transform ? rule.transform(tensors) : tensors[0]!;
    if (tensor.shape.join() !== shape.join()) {
      throw new DuetError(
        'invalid-weights',
        `${names.join(' + ')} gives [${tensor.shape.join(', ')}] for ${name}, which has shape [${shape.join(', ')}]`,
      );
    }
    return tensor;
  });
}

/** torch's Linear weight [out, in] as [in, out]; more trailing axes count as one: a patch convolution as a matrix. */
export function transposeLinear([tensor]: readonly HostTensor[]): HostTensor {
  const { shape, data } = tensor!;
  const rows = shape[0]!;
  const columns = sizeOf(shape.slice(1));
  const out = new Float32Array(data.length);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) out[column * rows + row] = data[row * columns + column]!;
  }
  return float32([columns, rows], out);
}

/** Part `index` of `count` equal parts of the last axis: a fused matrix [in, parts out] or bias [parts out] taken apart. */
export function lastAxisPart(index: number, count: number): (tensors: readonly HostTensor[]) => HostTensor {
  return ([tensor]) => {
    const { shape, data } = tensor!;
    const whole = shape.at(-1)!;
    const width = whole / count;
    const rows = data.length / whole;
    const out = new Float32Array(rows * width);
    for (let row = 0; row < rows; row++) {
      const from = row * whole + index * width;
      out.set(data.subarray(from, from + width), row * width);
    }
    return float32([...shape.slice(0, -1), width], out);
  };
}

/** Several matrices [out, in] or biases [out] one below the other. */
export function concatenateRows(tensors: readonly HostTensor[]): HostTensor {
  const rows = tensors.reduce((sum, { shape }) => sum + shape[0]!, 0);
  const data = new Float32Array(tensors.reduce((sum, tensor) => sum + tensor.data.length, 0));
  let offset = 0;
  for (const tensor of tensors) {
    data.set(tensor.data, offset);
    offset += tensor.data.length;
  }
  return float32([rows, ...tensors[0]!.shape.slice(1)], data);
}
