/** Lowerings of kernels that address elements by index tuples, and of TopK. */
import { sizeOf } from '../../core/host-tensor.ts';
import type { GraphBuilder, Value } from '../onnx/graph-builder.ts';
import { input, type Lowering } from './lowering.ts';

/** x[indices]: the last axis of `indices` addresses the leading axes of x. */
const gatherNd: Lowering = call => {
  const { graph } = call;
  const [x, indices] = [input(call, 'params'), input(call, 'indices')];
  const shape = [...indices.shape.slice(0, -1), ...x.shape.slice(indices.shape.at(-1)!)];
  return graph.emit('GatherND', [x, graph.cast(indices, 'int64')], shape, x.dtype);
};

/** `updates` written into `data` at index tuples; `add` sums the updates of one place. */
function scatter(graph: GraphBuilder, data: Value, indices: Value, updates: Value, add: boolean): Value {
  // tfjs reads a vector of indices as tuples of one.
  const tuples = indices.shape.length === 1 ? graph.reshape(indices, [sizeOf(indices.shape), 1]) : indices;
  return graph.emit('ScatterND', [data, graph.cast(tuples, 'int64'), updates], data.shape, data.dtype, {
    attributes: { reduction: add ? 'add' : 'none' },
  });
}

const scatterNd: Lowering = call => {
  const { graph, attrs } = call;
  const updates = input(call, 'updates');
  const shape = attrs['shape'] as number[];
  const zero = graph.scalar(0, updates.dtype === 'int32' ? 'int32' : 'float32');
  const zeros = graph.emit('Expand', [zero, graph.ints(shape)], shape, updates.dtype);
  return scatter(graph, zeros, input(call, 'indices'), updates, true);
};

const scatterUpdate: Lowering = call =>
  scatter(call.graph, input(call, 'tensor'), input(call, 'indices'), input(call, 'updates'), false);

/** The k largest along the last axis, largest first; equal values in order of their indices. */
const topK: Lowering = call => {
  const { graph, attrs } = call;
  const x = input(call, 'x');
  const k = attrs['k'] as number;
  const shape = [...x.shape.slice(0, -1), k];
  const outputs = [
    { shape, dtype: x.dtype },
    { shape, dtype: 'int64' as const },
  ];
  const [values, indices] = graph.emitMany('TopK', [x, graph.ints([k])], outputs, {
    attributes: { axis: -1, largest: 1, sorted: 1 },
  }) as [Value, Value];
  return [values, graph.cast(indices, 'int32')];
};

export const indexing = {
  GatherNd: gatherNd,
  ScatterNd: scatterNd,
  TensorScatterUpdate: scatterUpdate,
  TopK: topK,
} satisfies Record<string, Lowering>;
