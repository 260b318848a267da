/** Lowerings of matrix products. */
import { sizeOf } from '../../core/host-tensor.ts';
import type { GraphBuilder, Value } from '../onnx/graph-builder.ts';
import { broadcastShape, input, type Lowering } from './lowering.ts';

/**
 * a b (+ bias) for 2-D operands: one Gemm, which takes transposed operands as they are.
 * Gemm beats MatMul + Add + Transpose in a training step, where most products are of this kind.
 */
export function gemm(
  graph: GraphBuilder,
  a: Value,
  b: Value,
  options: { transA?: boolean; transB?: boolean; bias?: Value | undefined } = {},
): Value {
  const rows = a.shape[options.transA ? 1 : 0]!;
  const columns = b.shape[options.transB ? 0 : 1]!;
  return graph.emit('Gemm', options.bias ? [a, b, options.bias] : [a, b], [rows, columns], a.dtype, {
    attributes: { transA: options.transA ? 1 : 0, transB: options.transB ? 1 : 0 },
  });
}

/** tfjs's BatchMatMul: [..., M, K] x [..., K, N] with broadcast leading axes, either operand transposed in its last two. */
const batchMatMul: Lowering = call => {
  const { graph, attrs } = call;
  const [a, b] = [input(call, 'a'), input(call, 'b')];
  const transA = attrs['transposeA'] === true;
  const transB = attrs['transposeB'] === true;
  const batch = broadcastShape(a.shape.slice(0, -2), b.shape.slice(0, -2));
  const rows = a.shape.at(transA ? -1 : -2)!;
  const inner = a.shape.at(transA ? -2 : -1)!;
  const columns = b.shape.at(transB ? -2 : -1)!;
  if (inner !== b.shape.at(transB ? -1 : -2)) {
    const say = ({ shape }: Value, transposed: boolean) => `[${shape.join(', ')}]${transposed ? ' transposed' : ''}`;
    throw new RangeError(`matMul: the inner dimensions of ${say(a, transA)} and ${say(b, transB)} must be equal`);
  }
  if (sizeOf(batch) === 1 && a.dtype === 'float32') {
    const product = gemm(graph, graph.reshape(a, a.shape.slice(-2)), graph.reshape(b, b.shape.slice(-2)), {
      transA,
      transB,
    });
    return graph.reshape(product, [...batch, rows, columns]);
  }
  // A matrix shared by the whole batch is one large product.
  if (sizeOf(b.shape.slice(0, -2)) === 1 && !transA && a.dtype === 'float32') {
    const flat = graph.reshape(a, [sizeOf(batch) * rows, inner]);
    return graph.reshape(gemm(graph, flat, graph.reshape(b, b.shape.slice(-2)), { transB }), [...batch, rows, columns]);
  }
  return graph.emit('FusedMatMul', [a, b], [...batch, rows, columns], a.dtype, {
    domain: 'com.microsoft',
    attributes: { transA: transA ? 1 : 0, transB: transB ? 1 : 0 },
  });
};

/** x [..., I] weight [I, O] + bias [O]. */
const linear: Lowering = call => {
  const { graph } = call;
  const [x, weight] = [input(call, 'x'), input(call, 'weight')];
  const leading = x.shape.slice(0, -1);
  const flat = graph.reshape(x, [sizeOf(leading), weight.shape[0]!]);
  return graph.reshape(gemm(graph, flat, weight, { bias: call.inputs['bias'] }), [...leading, weight.shape[1]!]);
};

export const matrixProducts = {
  BatchMatMul: batchMatMul,
  DuetLinear: linear,
} satisfies Record<string, Lowering>;
