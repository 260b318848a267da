/** Lowerings of kernels that move data: reshape, transpose, slicing, joining, gathering. */
import * as tf from '@tensorflow/tfjs';
import { sizeOf } from '../../core/host-tensor.ts';
import type { GraphBuilder, Value } from '../onnx/graph-builder.ts';
import { axesOf, input, type KernelCall, type Lowering } from './lowering.ts';

const reshape: Lowering = call => {
  const x = input(call, 'x');
  const shape = tf.util.inferFromImplicitShape([...(call.attrs['shape'] as number[])], sizeOf(x.shape));
  return call.graph.reshape(x, shape);
};

const expandDims: Lowering = call => {
  const x = input(call, 'input');
  const dim = call.attrs['dim'] as number;
  const shape = [...x.shape];
  shape.splice(dim < 0 ? dim + shape.length + 1 : dim, 0, 1);
  return call.graph.reshape(x, shape);
};

const transpose: Lowering = call => call.graph.transpose(input(call, 'x'), call.attrs['perm'] as number[]);

const concat: Lowering = ({ graph, inputs, attrs }) => {
  const all = Object.values(inputs);
  const axis = axesOf(attrs['axis'], all[0]!.shape)[0]!;
  tf.backend_util.assertParamsConsistent(
    all.map(part => [...part.shape]),
    axis,
  );
  const parts = all.filter(part => sizeOf(part.shape) > 0);
  if (parts.length === 0) return all[0]!;
  if (parts.length === 1) return parts[0]!;
  const shape = [...parts[0]!.shape];
  shape[axis] = parts.reduce((total, part) => total + part.shape[axis]!, 0);
  return graph.emit('Concat', parts, shape, parts[0]!.dtype, { attributes: { axis } });
};

/** A box of `x`: `begin` inclusive, `size` elements per axis; untouched axes are left out of the node. */
export function sliceBox(graph: GraphBuilder, x: Value, begin: readonly number[], size: readonly number[]): Value {
  const axes = x.shape.map((_, axis) => axis).filter(axis => size[axis] !== x.shape[axis]);
  if (axes.length === 0) return x;
  const starts = axes.map(axis => begin[axis]!);
  const ends = axes.map(axis => begin[axis]! + size[axis]!);
  return graph.emit('Slice', [x, graph.ints(starts), graph.ints(ends), graph.ints(axes)], size, x.dtype);
}

const slice: Lowering = call => {
  const x = input(call, 'x');
  const like = { shape: [...x.shape], rank: x.shape.length } as tf.Tensor;
  const { begin: from, size: count } = call.attrs as { begin: number[]; size: number[] };
  const [begin, size] = tf.slice_util.parseSliceParams(like, from, count);
  tf.slice_util.assertParamsValid(like, begin!, size!);
  return sliceBox(call.graph, x, begin!, size!);
};

const stridedSlice: Lowering = call => {
  const { graph, attrs } = call;
  const x = input(call, 'x');
  const mask = (name: string) => attrs[name] as number;
  const info = tf.slice_util.sliceInfo(
    [...x.shape],
    attrs['begin'] as number[],
    attrs['end'] as number[],
    attrs['strides'] as number[],
    mask('beginMask'),
    mask('endMask'),
    mask('ellipsisMask'),
    mask('newAxisMask'),
    mask('shrinkAxisMask'),
  );
  if (info.isIdentity) return graph.reshape(x, info.finalShape);
  const axes = x.shape.map((_, axis) => axis);
  const before = (end: number, stride: number) => (stride < 0 && end < 0 ? Number.MIN_SAFE_INTEGER : end);
  const ends = info.end.map((end, axis) => before(end, info.strides[axis]!));
  const sliced = graph.emit(
    'Slice',
    [x, graph.ints(info.begin), graph.ints(ends), graph.ints(axes), graph.ints(info.strides)],
    tf.slice_util.computeOutShape(info.begin, info.end, info.strides),
    x.dtype,
  );
  return graph.reshape(sliced, info.finalShape);
};

const splitV: Lowering = call => {
  const { graph, attrs } = call;
  const x = input(call, 'x');
  const axis = axesOf(attrs['axis'], x.shape)[0]!;
  const sizes = tf.backend_util.prepareSplitSize(
    { shape: [...x.shape] } as tf.Tensor,
    attrs['numOrSizeSplits'] as number[],
    axis,
  );
  const outputs = sizes.map(size => ({ shape: x.shape.map((d, i) => (i === axis ? size : d)), dtype: x.dtype }));
  return graph.emitMany('Split', [x, graph.ints(sizes)], outputs, { attributes: { axis } });
};

const pack: Lowering = ({ graph, inputs, attrs }) => {
  const parts = Object.values(inputs);
  const rank = parts[0]!.shape.length;
  const axis = (attrs['axis'] as number) < 0 ? (attrs['axis'] as number) + rank + 1 : (attrs['axis'] as number);
  const insert = (dimension: number) => [...parts[0]!.shape.slice(0, axis), dimension, ...parts[0]!.shape.slice(axis)];
  const expanded = parts.map(part => graph.reshape(part, insert(1)));
  if (expanded.length === 1) return expanded[0]!;
  return graph.emit('Concat', expanded, insert(parts.length), parts[0]!.dtype, { attributes: { axis } });
};

const unpack: Lowering = call => {
  const { graph, attrs } = call;
  const x = input(call, 'value');
  const axis = axesOf(attrs['axis'], x.shape)[0]!;
  const shape = x.shape.filter((_, index) => index !== axis);
  return Array.from({ length: x.shape[axis]! }, (_, index) => {
    const begin = x.shape.map((_, i) => (i === axis ? index : 0));
    const size = x.shape.map((d, i) => (i === axis ? 1 : d));
    return graph.reshape(sliceBox(graph, x, begin, size), shape);
  });
};

const tile: Lowering = call => {
  const x = input(call, 'x');
  const reps = call.attrs['reps'] as number[];
  const shape = x.shape.map((dimension, axis) => dimension * reps[axis]!);
  return call.graph.emit('Tile', [x, call.graph.ints(reps)], shape, x.dtype);
};

const fill: Lowering = ({ graph, attrs }) => {
  const shape = attrs['shape'] as number[];
  const dtype = attrs['dtype'] === 'int32' || attrs['dtype'] === 'bool' ? attrs['dtype'] : 'float32';
  return graph.emit('Expand', [graph.scalar(attrs['value'] as number, dtype), graph.ints(shape)], shape, dtype);
};

function pad(call: KernelCall, attributes: Record<string, string>, constant?: Value): Value {
  const { graph, attrs } = call;
  const x = input(call, 'x');
  const paddings = attrs['paddings'] as [number, number][];
  const shape = x.shape.map((dimension, axis) => dimension + paddings[axis]![0] + paddings[axis]![1]);
  const pads = graph.ints([...paddings.map(([before]) => before), ...paddings.map(([, after]) => after)]);
  return graph.emit('Pad', [x, pads, constant], shape, x.dtype, { attributes });
}

const padV2: Lowering = call => {
  const dtype = input(call, 'x').dtype === 'int32' ? 'int32' : 'float32';
  return pad(call, { mode: 'constant' }, call.graph.scalar((call.attrs['constantValue'] as number) ?? 0, dtype));
};

/** ONNX reflects without repeating the border; tfjs's "symmetric", which repeats it, is a gather along each axis. */
const mirrorPad: Lowering = call => {
  if (call.attrs['mode'] === 'reflect') return pad(call, { mode: 'reflect' });
  let x = input(call, 'x');
  for (const [axis, [before, after]] of (call.attrs['paddings'] as [number, number][]).entries()) {
    if (before + after === 0) continue;
    const size = x.shape[axis]!;
    const mirrored = (index: number) => (index < 0 ? -1 - index : index >= size ? 2 * size - 1 - index : index);
    const sources = Array.from({ length: before + size + after }, (_, index) => mirrored(index - before));
    const shape = x.shape.map((dimension, index) => (index === axis ? sources.length : dimension));
    x = call.graph.emit('Gather', [x, call.graph.ints(sources)], shape, x.dtype, { attributes: { axis } });
  }
  return x;
};

const reverse: Lowering = call => {
  const { graph } = call;
  const x = input(call, 'x');
  const axes = axesOf(call.attrs['dims'], x.shape);
  if (axes.length === 0) return x;
  const all = (value: number) => graph.ints(axes.map(() => value));
  return graph.emit('Slice', [x, all(-1), all(Number.MIN_SAFE_INTEGER), graph.ints(axes), all(-1)], x.shape, x.dtype);
};

/** tfjs's GatherV2: `batchDims` leading axes are shared by x and the indices. */
const gather: Lowering = call => {
  const { graph, attrs } = call;
  const [x, indices] = [input(call, 'x'), input(call, 'indices')];
  const axis = axesOf(attrs['axis'], x.shape)[0]!;
  const batchDims = (attrs['batchDims'] as number | undefined) ?? 0;
  if (batchDims === 0) {
    const shape = [...x.shape.slice(0, axis), ...indices.shape, ...x.shape.slice(axis + 1)];
    const stored = graph.storedOf(x);
    return graph.cast(graph.emit('Gather', [stored, indices], shape, stored.dtype, { attributes: { axis } }), x.dtype);
  }
  if (axis !== batchDims) throw new TypeError('GatherV2 with batchDims is lowered for axis = batchDims only');
  const tail = x.shape.slice(axis + 1);
  const width = sizeOf(tail);
  const batch = x.shape.slice(0, axis);
  const count = sizeOf(indices.shape.slice(batchDims));
  const flat = graph.reshape(x, [...batch, x.shape[axis]!, width]);
  const rows = graph.reshape(indices, [...batch, count, 1]);
  const repeated = graph.emit(
    'Expand',
    [rows, graph.ints([...batch, count, width])],
    [...batch, count, width],
    indices.dtype,
  );
  const taken = graph.emit('GatherElements', [flat, repeated], [...batch, count, width], x.dtype, {
    attributes: { axis },
  });
  return graph.reshape(taken, [...indices.shape, ...tail]);
};

const oneHot: Lowering = call => {
  const { graph, attrs } = call;
  const indices = input(call, 'indices');
  const depth = attrs['depth'] as number;
  const dtype = attrs['dtype'] === 'int32' || attrs['dtype'] === 'bool' ? attrs['dtype'] : 'float32';
  // A comparison with 0..depth-1 gives zeros for indices out of range, as tfjs does; ONNX's OneHot wraps negative ones.
  const classes = graph.constant(
    Int32Array.from({ length: depth }, (_, index) => index),
    [depth],
    'int32',
  );
  const shape = [...indices.shape, depth];
  const hit = graph.emit(
    'Equal',
    [graph.reshape(graph.cast(indices, 'int32'), [...indices.shape, 1]), classes],
    shape,
    'bool',
  );
  const [on, off] = [graph.scalar(attrs['onValue'] as number, dtype), graph.scalar(attrs['offValue'] as number, dtype)];
  return graph.emit('Where', [hit, on, off], shape, dtype);
};

const range: Lowering = ({ graph, attrs }) => {
  const { start, stop, step, dtype } = attrs as { start: number; stop: number; step: number; dtype: string };
  const type = dtype === 'int32' ? 'int32' : 'float32';
  const length = Math.max(0, Math.ceil((stop - start) / step));
  if (length > 0 && [start, stop, step].every(Number.isSafeInteger)) {
    return graph.cast(integerRange(graph, start, stop, step), type);
  }
  const values = Array.from({ length }, (_, index) => start + index * step);
  return type === 'int32'
    ? graph.constant(Int32Array.from(values), [length], type)
    : graph.constant(Float32Array.from(values), [length], type);
};

/**
 * start, start + step, ... below `stop` as int64. A node and not a constant, so that its ends may follow a named dimension;
 * ONNX Runtime folds those that do not.
 */
export function integerRange(graph: GraphBuilder, start: number, stop: number, step = 1): Value {
  const [from, to, by] = [start, stop, step].map(value => graph.reshape(graph.ints([value]), []));
  return graph.emit('Range', [from, to, by], [Math.ceil((stop - start) / step)], 'int64');
}

const linSpace: Lowering = ({ graph, attrs }) => {
  const { start, stop, num } = attrs as { start: number; stop: number; num: number };
  const step = (stop - start) / Math.max(1, num - 1);
  return graph.constant(
    Float32Array.from({ length: num }, (_, index) => start + index * step),
    [num],
    'float32',
  );
};

export const shapes = {
  Reshape: reshape,
  ExpandDims: expandDims,
  Transpose: transpose,
  Concat: concat,
  Slice: slice,
  StridedSlice: stridedSlice,
  SplitV: splitV,
  Pack: pack,
  Unpack: unpack,
  Tile: tile,
  Fill: fill,
  PadV2: padV2,
  MirrorPad: mirrorPad,
  Reverse: reverse,
  GatherV2: gather,
  OneHot: oneHot,
  Range: range,
  LinSpace: linSpace,
} satisfies Record<string, Lowering>;
