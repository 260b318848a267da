/**
 * Other libraries' names and layouts as data: each of our parameters says which of their tensors it is made of and how.
 * Only this folder knows names of other libraries.
 */
import { float32, type HostTensor, sizeOf } from '../../core/host-tensor.ts';

type Shape = readonly number[];

/** Makes one of our tensors of theirs. */
export interface Transform {
  /** The shape of the result, so that a checkpoint is checked before it is read; undefined if the shapes do not fit. */
  readonly shape: (shapes: readonly Shape[]) => Shape | undefined;
  readonly apply: (tensors: readonly HostTensor[]) => HostTensor;
}

export interface NameRule {
  /** Dotted name of our parameter. */
  readonly ours: string;
  /** Their tensor, or several for {@link transform}. */
  readonly theirs: string | readonly string[];
  /** @default the tensor as it is */
  readonly transform?: Transform;
}

/** The rules of one part of a network: `prefix` stands in front of our names. */
export function under(prefix: string, rules: readonly NameRule[]): NameRule[] {
  return rules.map(rule => ({ ...rule, ours: `${prefix}${rule.ours}` }));
}

/** A weight and its bias as they are: norms, convolutions, matrices that are stored [in, out]. */
export function weightAndBias(ours: string, theirs: string): NameRule[] {
  return [
    { ours: `${ours}.weight`, theirs: `${theirs}.weight` },
    { ours: `${ours}.bias`, theirs: `${theirs}.bias` },
  ];
}

/** A linear layer of torch, [out, in], with its bias; a patch convolution counts as one. */
export function linear(ours: string, theirs: string): NameRule[] {
  return [
    { ours: `${ours}.weight`, theirs: `${theirs}.weight`, transform: transposeLinear },
    { ours: `${ours}.bias`, theirs: `${theirs}.bias` },
  ];
}

/** Several linear layers of torch side by side as one of ours (q, k and v as one matrix), with their biases. */
export function fusedLinear(ours: string, theirs: readonly string[]): NameRule[] {
  return [
    {
      ours: `${ours}.weight`,
      theirs: theirs.map(name => `${name}.weight`),
      transform: inTurn(concatenateRows, transposeLinear),
    },
    { ours: `${ours}.bias`, theirs: theirs.map(name => `${name}.bias`), transform: concatenateRows },
  ];
}

/**
 * The reverse: one linear layer of torch taken apart into layers of ours of equal width, whose outputs it has one after the
 * other. Without `bias` it gives weights alone.
 */
export function splitLinear(
  ours: readonly string[],
  theirs: { readonly weight: string; readonly bias?: string | undefined },
): NameRule[] {
  return ours.flatMap((name, place): NameRule[] => {
    const part = lastAxisPart(place, ours.length);
    return [
      { ours: `${name}.weight`, theirs: theirs.weight, transform: inTurn(transposeLinear, part) },
      ...(theirs.bias === undefined ? [] : [{ ours: `${name}.bias`, theirs: theirs.bias, transform: part }]),
    ];
  });
}

/** `second` of the result of `first`. */
export function inTurn(first: Transform, second: Transform): Transform {
  return {
    shape: shapes => {
      const shape = first.shape(shapes);
      return shape && second.shape([shape]);
    },
    apply: tensors => second.apply([first.apply(tensors)]),
  };
}

/** torch's Linear weight [out, in] as [in, out]; more trailing axes count as one: a patch convolution as a matrix. */
export const transposeLinear: Transform = {
  shape: ([shape]) => (shape && shape.length > 1 ? [sizeOf(shape.slice(1)), shape[0]!] : undefined),
  apply: ([tensor]) => {
    const { shape, data } = tensor!;
    const rows = shape[0]!;
    const columns = sizeOf(shape.slice(1));
    const out = new Float32Array(data.length);
    for (let row = 0; row < rows; row++) {
      for (let column = 0; column < columns; column++) out[column * rows + row] = data[row * columns + column]!;
    }
    return float32([columns, rows], out);
  },
};

/** Part `index` of `count` equal parts of the last axis: a fused matrix [in, parts out] or bias [parts out] taken apart. */
export function lastAxisPart(index: number, count: number): Transform {
  return {
    shape: ([shape]) => {
      const whole = shape?.at(-1);
      return shape && whole !== undefined && whole % count === 0 ? [...shape.slice(0, -1), whole / count] : undefined;
    },
    apply: ([tensor]) => {
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
    },
  };
}

/** Several matrices [out, in] or biases [out] one below the other. */
export const concatenateRows: Transform = {
  shape: shapes => {
    const [rest] = shapes.map(shape => shape.slice(1));
    if (!rest || shapes.some(shape => shape.slice(1).join() !== rest.join())) return undefined;
    return [shapes.reduce((sum, shape) => sum + shape[0]!, 0), ...rest];
  },
  apply: tensors => {
    const rows = tensors.reduce((sum, { shape }) => sum + shape[0]!, 0);
    const data = new Float32Array(tensors.reduce((sum, tensor) => sum + tensor.data.length, 0));
    let offset = 0;
    for (const tensor of tensors) {
      data.set(tensor.data, offset);
      offset += tensor.data.length;
    }
    return float32([rows, ...tensors[0]!.shape.slice(1)], data);
  },
};

/** [1, L, D] -> [L, D]: for tables that are stored with an axis for the batch. */
export const withoutBatchAxis: Transform = {
  shape: ([shape]) => (shape?.[0] === 1 ? shape.slice(1) : undefined),
  apply: ([tensor]) => float32(tensor!.shape.slice(1), tensor!.data as Float32Array),
};
