/** Lowerings of Duet's own fused kernels (src/ops) to single ONNX Runtime nodes where there is one. */
import { sizeOf } from '../../core/host-tensor.ts';
import type { GraphBuilder, Value } from '../onnx/graph-builder.ts';
import { input, type Lowering } from './lowering.ts';
import { integerRange } from './shape.ts';

const lowestFloat = -3.4028234663852886e38;

const attention: Lowering = call => {
  const { graph, attrs } = call;
  const [q, k, v] = [input(call, 'q'), input(call, 'k'), input(call, 'v')];
  const { heads, causal, scale } = attrs as { heads: number; causal: boolean; scale: number };
  const [queries, keys] = [q.shape[1]!, k.shape[1]!];
  const causalMask = causal ? causalBias(graph, queries, keys) : undefined;
  const given = call.inputs['mask'];
  const mask = given && causalMask ? addMasks(graph, given, causalMask) : (given ?? causalMask);
  const bias = mask && expandMask(graph, mask, q.shape[0]!, heads, queries, keys);
  return graph.emit(
    'MultiHeadAttention',
    [q, k, v, undefined, undefined, bias],
    [q.shape[0]!, queries, v.shape[2]!],
    q.dtype,
    {
      domain: 'com.microsoft',
      attributes: { num_heads: heads, scale: { float: scale } },
    },
  );
};

/** 0 where query i may see key j (j <= i + keys - queries), the lowest float elsewhere: [1, 1, queries, keys]. */
function causalBias(graph: GraphBuilder, queries: number, keys: number): Value {
  const last = graph.reshape(integerRange(graph, keys - queries, keys), [1, 1, queries, 1]);
  const key = graph.reshape(integerRange(graph, 0, keys), [1, 1, 1, keys]);
  const shape = [1, 1, queries, keys];
  const hidden = graph.emit('Greater', [key, last], shape, 'bool');
  return graph.emit('Where', [hidden, graph.scalar(lowestFloat), graph.scalar(0)], shape, 'float32');
}

/** Sum of two masks, kept above minus infinity so that a fully masked row stays finite. */
function addMasks(graph: GraphBuilder, a: Value, b: Value): Value {
  const shape = a.shape.map((dimension, axis) => Math.max(dimension, b.shape[axis]!));
  const sum = graph.emit('Add', [a, b], shape, 'float32');
  return graph.emit('Max', [sum, graph.scalar(lowestFloat)], shape, 'float32');
}

/** MultiHeadAttention broadcasts the batch and head axes of its bias, but not the last two. */
function expandMask(
  graph: GraphBuilder,
  mask: Value,
  batch: number,
  heads: number,
  queries: number,
  keys: number,
): Value {
  const shape = [mask.shape[0] === 1 ? 1 : batch, mask.shape[1] === 1 ? 1 : heads, queries, keys];
  if (shape.every((dimension, axis) => dimension === mask.shape[axis])) return mask;
  return graph.emit('Expand', [mask, graph.ints(shape)], shape, mask.dtype);
}

const layerNorm: Lowering = call => {
  const { graph, inputs, attrs } = call;
  const x = input(call, 'x');
  const width = x.shape.at(-1)!;
  const gamma = inputs['gamma'] ?? graph.emit('Expand', [graph.scalar(1), graph.ints([width])], [width], 'float32');
  return graph.emit('LayerNormalization', [x, gamma, inputs['beta']], x.shape, x.dtype, {
    attributes: { axis: -1, epsilon: { float: attrs['epsilon'] as number } },
  });
};

/** ONNX Runtime registers this operator in the standard's domain, although the standard does not have it. */
const rmsNorm: Lowering = call => {
  const { graph, attrs } = call;
  const [x, gamma] = [input(call, 'x'), input(call, 'gamma')];
  return graph.emit('SimplifiedLayerNormalization', [x, gamma], x.shape, x.dtype, {
    attributes: { axis: -1, epsilon: { float: attrs['epsilon'] as number } },
  });
};

/** The node looks angles up in tables by position: here every position has a row of its own. */
const rotary: Lowering = call => {
  const { graph } = call;
  const [x, cos, sin] = [input(call, 'x'), input(call, 'cos'), input(call, 'sin')];
  const [batch, length, half] = cos.shape as [number, number, number];
  const rows = graph.cast(graph.reshape(integerRange(graph, 0, batch * length), [batch, length]), 'int64');
  const table = (values: Value) => graph.reshape(values, [batch * length, half]);
  return graph.emit('RotaryEmbedding', [x, rows, table(cos), table(sin)], x.shape, x.dtype, {
    domain: 'com.microsoft',
    attributes: { interleaved: 0, num_heads: x.shape[2]! / (2 * half), rotary_embedding_dim: 2 * half },
  });
};

/** Normalisation of each group as one instance, then the per-channel affine. x: [B, C, H, W]. */
const groupNorm: Lowering = call => {
  const { graph, attrs } = call;
  const [x, gamma, beta] = [input(call, 'x'), input(call, 'gamma'), input(call, 'beta')];
  const { groups, epsilon } = attrs as { groups: number; epsilon: number };
  const grouped = graph.reshape(x, [x.shape[0]!, groups, sizeOf(x.shape) / (x.shape[0]! * groups)]);
  const [ones, zeros] = [1, 0].map(value =>
    graph.emit('Expand', [graph.scalar(value), graph.ints([groups])], [groups], 'float32'),
  );
  const normalised = graph.emit('InstanceNormalization', [grouped, ones, zeros], grouped.shape, x.dtype, {
    attributes: { epsilon: { float: epsilon } },
  });
  const perChannel = (value: Value) => graph.reshape(value, [x.shape[1]!, 1, 1]);
  const scaled = graph.emit('Mul', [graph.reshape(normalised, x.shape), perChannel(gamma)], x.shape, x.dtype);
  return graph.emit('Add', [scaled, perChannel(beta)], x.shape, x.dtype);
};

const gelu: Lowering = call => {
  const { graph, attrs } = call;
  const x = input(call, 'x');
  switch (attrs['approximation']) {
    case 'quick':
      return graph.emit('QuickGelu', [x], x.shape, x.dtype, {
        domain: 'com.microsoft',
        attributes: { alpha: { float: 1.702 } },
      });
    case 'tanh':
      return graph.emit('Gelu', [x], x.shape, x.dtype, { attributes: { approximate: 'tanh' } });
    default:
      return graph.emit('Gelu', [x], x.shape, x.dtype, { domain: 'com.microsoft' });
  }
};

/** dy times the derivative of the activation, each form with as few passes over memory as plain ONNX allows. */
const geluGrad: Lowering = call => {
  const { graph, attrs } = call;
  const [x, dy] = [input(call, 'x'), input(call, 'dy')];
  const one = (opType: string, ...inputs: Value[]) => graph.emit(opType, inputs, x.shape, x.dtype);
  const number = (value: number) => graph.scalar(value);
  const slope = () => {
    switch (attrs['approximation']) {
      case 'quick': {
        // s + 1.702 x s (1 - s), s = sigmoid(1.702 x)
        const u = one('Mul', x, number(1.702));
        const s = one('Sigmoid', u);
        return one('Add', s, one('Mul', one('Mul', u, s), one('Sub', number(1), s)));
      }
      case 'tanh': {
        // 0.5 (1 + T) + 0.5 x (1 - T^2) u', u = sqrt(2/pi) (x + 0.044715 x^3), T = tanh u
        const c = Math.sqrt(2 / Math.PI);
        const square = one('Mul', x, x);
        const u = one('Mul', x, one('Add', one('Mul', square, number(0.044715 * c)), number(c)));
        const t = one('Tanh', u);
        const du = one('Add', one('Mul', square, number(3 * 0.044715 * c)), number(c));
        const inner = one('Mul', one('Sub', number(1), one('Mul', t, t)), one('Mul', x, du));
        return one('Mul', number(0.5), one('Add', one('Add', number(1), t), inner));
      }
      default: {
        // Phi(x) + x phi(x) with u = x / sqrt 2: 0.5 + 0.5 erf u + u exp(-u^2) / sqrt pi
        const u = one('Mul', x, number(Math.SQRT1_2));
        const density = one('Exp', one('Neg', one('Mul', u, u)));
        const tail = one('Mul', one('Mul', u, number(1 / Math.sqrt(Math.PI))), density);
        const phi = one('Add', one('Mul', one('Erf', u), number(0.5)), number(0.5));
        return one('Add', phi, tail);
      }
    }
  };
  return one('Mul', dy, slope());
};

/** x sigmoid(x): QuickGelu with factor 1. */
const silu: Lowering = call => {
  const x = input(call, 'x');
  return call.graph.emit('QuickGelu', [x], x.shape, x.dtype, {
    domain: 'com.microsoft',
    attributes: { alpha: { float: 1 } },
  });
};

export const fused = {
  DuetAttention: attention,
  DuetLayerNorm: layerNorm,
  DuetGroupNorm: groupNorm,
  DuetRmsNorm: rmsNorm,
  DuetRotary: rotary,
  DuetGelu: gelu,
  DuetGeluGrad: geluGrad,
  DuetSilu: silu,
} satisfies Record<string, Lowering>;
