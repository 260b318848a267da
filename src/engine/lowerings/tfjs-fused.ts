/** Lowerings of tfjs's fused kernels: a product or convolution, an optional bias, an optional activation; batch normalisation. */
import type { Value } from '../onnx/graph-builder.ts';
import { elementwise } from './elementwise.ts';
import { broadcastShape, input, type KernelCall, type Lowering } from './lowering.ts';
import { matrixProducts } from './matmul.ts';
import { nhwcConvolution } from './nhwc-convolution.ts';

/** tfjs's activation names and the kernels that they stand for. */
const activations = {
  relu: elementwise.Relu,
  relu6: elementwise.Relu6,
  elu: elementwise.Elu,
  sigmoid: elementwise.Sigmoid,
  leakyrelu: elementwise.LeakyRelu,
  prelu: elementwise.Prelu,
} as const;

/** Adds the call's bias and applies its activation to `x`. */
function finish({ graph, inputs, attrs }: KernelCall, x: Value): Value {
  const bias = inputs['bias'];
  const y = bias ? graph.emit('Add', [x, bias], broadcastShape(x.shape, bias.shape), x.dtype) : x;
  const name = attrs['activation'];
  if (name === undefined || name === null || name === 'linear') return y;
  const activation = activations[name as keyof typeof activations] as Lowering | undefined;
  if (!activation) {
    throw new TypeError(`Activation ${name} is not lowered; ${Object.keys(activations).join(', ')} are`);
  }
  const alpha = inputs['preluActivationWeights'];
  const operands = alpha ? { x: y, alpha } : { x: y };
  return activation({ graph, inputs: operands, attrs: { alpha: attrs['leakyreluAlpha'] ?? 0.2 } }) as Value;
}

/** (x - mean) scale / sqrt(variance + epsilon) + offset; the statistics broadcast against x. */
const batchNorm: Lowering = call => {
  const { graph, inputs, attrs } = call;
  const [x, mean, variance] = [input(call, 'x'), input(call, 'mean'), input(call, 'variance')];
  const epsilon = graph.scalar((attrs['varianceEpsilon'] as number | undefined) ?? 0.001);
  const shifted = graph.emit('Add', [variance, epsilon], variance.shape, x.dtype);
  const deviation = graph.emit('Sqrt', [shifted], variance.shape, x.dtype);
  const centred = graph.emit('Sub', [x, mean], x.shape, x.dtype);
  let y = graph.emit('Div', [centred, deviation], x.shape, x.dtype);
  if (inputs['scale']) y = graph.emit('Mul', [y, inputs['scale']], x.shape, x.dtype);
  return inputs['offset'] ? graph.emit('Add', [y, inputs['offset']], x.shape, x.dtype) : y;
};

export const tfjsFused = {
  _FusedMatMul: call => finish(call, matrixProducts.BatchMatMul(call) as Value),
  FusedConv2D: call => finish(call, nhwcConvolution(call, false)),
  FusedDepthwiseConv2D: call => finish(call, nhwcConvolution(call, true)),
  FusedBatchNorm: batchNorm,
} satisfies Record<string, Lowering>;
