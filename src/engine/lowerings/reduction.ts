/** Lowerings of reductions, softmax and segment sums. */
import type { Value } from '../onnx/graph-builder.ts';
import { axesOf, input, type KernelCall, type Lowering } from './lowering.ts';

/**
 * tfjs drops the reduced axes unless keepDims; reductions over no axis are the identity.
 * Unlike tfjs's, ONNX Runtime's maximum and minimum may overlook NaN.
 */
function reduction(opType: string): Lowering {
  return call => reduce(call, opType, input(call, 'x'));
}

function reduce({ graph, attrs }: KernelCall, opType: string, x: Value): Value {
  // tfjs's Max, alone among the reductions, calls its axes reductionIndices.
  const axes = axesOf(attrs['axis'] ?? attrs['reductionIndices'], x.shape);
  if (axes.length === 0) return x;
  const keepDims = attrs['keepDims'] === true;
  const shape = keepDims
    ? x.shape.map((dimension, axis) => (axes.includes(axis) ? 1 : dimension))
    : x.shape.filter((_, axis) => !axes.includes(axis));
  return graph.emit(opType, [x, graph.ints(axes)], shape, x.dtype, { attributes: { keepdims: keepDims ? 1 : 0 } });
}

/** The mean of integers and of booleans is a float. */
const mean: Lowering = call => reduce(call, 'ReduceMean', call.graph.cast(input(call, 'x'), 'float32'));

/** Logical reductions run on int32: ONNX has no boolean one. */
const logical =
  (opType: 'ReduceMin' | 'ReduceMax'): Lowering =>
  call =>
    call.graph.cast(reduce(call, opType, call.graph.cast(input(call, 'x'), 'int32')), 'bool');

const argExtreme =
  (opType: 'ArgMax' | 'ArgMin'): Lowering =>
  call => {
    const { graph } = call;
    const x = input(call, 'x');
    const axis = axesOf(call.attrs['axis'], x.shape)[0]!;
    const shape = x.shape.filter((_, index) => index !== axis);
    return graph.cast(graph.emit(opType, [x], shape, 'int64', { attributes: { axis, keepdims: 0 } }), 'int32');
  };

const softmax: Lowering = call => {
  const logits = input(call, 'logits');
  const axis =
    call.attrs['dim'] === undefined || call.attrs['dim'] === -1
      ? logits.shape.length - 1
      : (call.attrs['dim'] as number);
  return call.graph.emit('Softmax', [logits], logits.shape, logits.dtype, { attributes: { axis } });
};

const cumsum: Lowering = call => {
  const { graph, attrs } = call;
  const x = input(call, 'x');
  const axis = axesOf(attrs['axis'], x.shape)[0] ?? 0;
  return graph.emit('CumSum', [x, graph.constant(BigInt64Array.of(BigInt(axis)), [], 'int64')], x.shape, x.dtype, {
    attributes: { exclusive: attrs['exclusive'] ? 1 : 0, reverse: attrs['reverse'] ? 1 : 0 },
  });
};

/** Cumulative products by doubling: after step k every element holds the product of the last 2^k. ONNX has no CumProd. */
const cumprod: Lowering = call => {
  const { graph, attrs } = call;
  const x = input(call, 'x');
  const axis = axesOf(attrs['axis'], x.shape)[0] ?? 0;
  const length = x.shape[axis]!;
  /** x shifted by `distance` in the direction of the product, with ones in the places that become free. */
  const moved = (value: Value, distance: number): Value => {
    const [starts, ends] = attrs['reverse'] ? [distance, length] : [0, length - distance];
    const shape = x.shape.map((dimension, index) => (index === axis ? length - distance : dimension));
    const box = [graph.ints([starts]), graph.ints([ends]), graph.ints([axis])];
    const kept = graph.emit('Slice', [value, ...box], shape, x.dtype);
    const pads = [...x.shape, ...x.shape].map((_, index) =>
      index === axis + (attrs['reverse'] ? x.shape.length : 0) ? distance : 0,
    );
    const one = graph.scalar(1, x.dtype === 'int32' ? 'int32' : 'float32');
    return graph.emit('Pad', [kept, graph.ints(pads), one], x.shape, x.dtype);
  };
  let product = attrs['exclusive'] ? moved(x, 1) : x;
  for (let distance = 1; distance < length; distance *= 2) {
    product = graph.emit('Mul', [product, moved(product, distance)], x.shape, x.dtype);
  }
  return product;
};

/** tfjs's equation is ONNX's; the output's shape follows from the letters. */
const einsum: Lowering = ({ graph, inputs, attrs }) => {
  const equation = (attrs['equation'] as string).replaceAll(' ', '');
  const [left, right] = equation.split('->') as [string, string];
  const operands = Object.values(inputs);
  const sizes = new Map(
    left.split(',').flatMap((term, index) => [...term].map((letter, axis) => [letter, operands[index]!.shape[axis]!])),
  );
  const shape = [...right].map(letter => sizes.get(letter)!);
  return graph.emit('Einsum', operands, shape, operands[0]!.dtype, { attributes: { equation } });
};

/** Rows of x added up by segment: gather's gradient. Negative ids are dropped, as in tfjs. */
const unsortedSegmentSum: Lowering = call => {
  const { graph, attrs } = call;
  const [x, segmentIds] = [input(call, 'x'), input(call, 'segmentIds')];
  const numSegments = attrs['numSegments'] as number;
  const rowShape = x.shape.slice(segmentIds.shape.length);
  const rows = segmentIds.shape.reduce((product, dimension) => product * dimension, 1);
  const width = rowShape.reduce((product, dimension) => product * dimension, 1);
  // Rows with negative ids go to one more segment, which is cut off.
  const ids = graph.reshape(graph.cast(segmentIds, 'int64'), [rows, 1]);
  const negative = graph.emit('Less', [ids, graph.ints([0])], [rows, 1], 'bool');
  const target = graph.emit('Where', [negative, graph.ints([numSegments]), ids], [rows, 1], 'int64');
  const zeros = graph.emit(
    'Expand',
    [graph.scalar(0, x.dtype === 'int32' ? 'int32' : 'float32'), graph.ints([numSegments + 1, width])],
    [numSegments + 1, width],
    x.dtype,
  );
  const sums = graph.emit(
    'ScatterND',
    [zeros, target, graph.reshape(x, [rows, width])],
    [numSegments + 1, width],
    x.dtype,
    {
      attributes: { reduction: 'add' },
    },
  );
  const kept = graph.emit(
    'Slice',
    [sums, graph.ints([0]), graph.ints([numSegments]), graph.ints([0])],
    [numSegments, width],
    x.dtype,
  );
  return graph.reshape(kept, [numSegments, ...rowShape]);
};

export const reductions = {
  Sum: reduction('ReduceSum'),
  Mean: mean,
  Max: reduction('ReduceMax'),
  Min: reduction('ReduceMin'),
  Prod: reduction('ReduceProd'),
  All: logical('ReduceMin'),
  Any: logical('ReduceMax'),
  ArgMax: argExtreme('ArgMax'),
  ArgMin: argExtreme('ArgMin'),
  Cumsum: cumsum,
  Cumprod: cumprod,
  Einsum: einsum,
  Softmax: softmax,
  UnsortedSegmentSum: unsortedSegmentSum,
} satisfies Record<string, Lowering>;
