/**
 * Lowerings of tfjs's own convolutions (NHWC images, [height, width, in, out] filters), plain and depthwise, with their
 * gradients. Duet's networks use the NCHW kernels of convolution.ts; these serve programs written with tf.conv2d.
 */
import * as tf from '@tensorflow/tfjs';
import type { GraphBuilder, Value } from '../onnx/graph-builder.ts';
import { input, type KernelCall, type Lowering } from './lowering.ts';
import { gemm } from './matmul.ts';
import { toNchw, toNhwc, type Window, windowOf } from './nhwc-window.ts';

type Shape4 = [number, number, number, number];

function windowsOf({ attrs }: KernelCall, x: readonly number[], filter: readonly number[], depthwise: boolean): Window {
  if (attrs['dataFormat'] !== undefined && attrs['dataFormat'] !== 'NHWC') {
    throw new TypeError(`tf.conv2d is lowered for NHWC only, got ${attrs['dataFormat']}; src/ops has conv2d for NCHW`);
  }
  return windowOf(
    tf.backend_util.computeConv2DInfo(
      x as Shape4,
      filter as Shape4,
      attrs['strides'] as number,
      (attrs['dilations'] as number | undefined) ?? 1,
      attrs['pad'] as number,
      attrs['dimRoundingMode'] as 'floor',
      depthwise,
    ),
  );
}

/** ONNX's kernel [out, in per group, height, width] of a tfjs filter; depthwise filters are [height, width, in, multiplier]. */
function kernelOf(graph: GraphBuilder, filter: Value, depthwise: boolean): Value {
  const [height, width, channels, outputs] = filter.shape as Shape4;
  return depthwise
    ? graph.reshape(graph.transpose(filter, [2, 3, 0, 1]), [channels * outputs, 1, height, width])
    : graph.transpose(filter, [3, 2, 0, 1]);
}

/** x filter (+ bias) of an NHWC `x`. */
export function nhwcConvolution(call: KernelCall, depthwise: boolean, bias?: Value): Value {
  const { graph } = call;
  const [x, filter] = [input(call, 'x'), input(call, 'filter')];
  const { nchwOutShape, attributes } = windowsOf(call, x.shape, filter.shape, depthwise);
  const y = graph.emit('Conv', [toNchw(graph, x), kernelOf(graph, filter, depthwise), bias], nchwOutShape, x.dtype, {
    attributes: { ...attributes, group: depthwise ? x.shape[3]! : 1 },
  });
  return toNhwc(graph, y);
}

const inputGradient =
  (depthwise: boolean): Lowering =>
  call => {
    const { graph, attrs } = call;
    const [dy, filter] = [input(call, 'dy'), input(call, 'filter')];
    const [batch, height, width, channels] = attrs['inputShape'] as Shape4;
    const { outputPadding, attributes } = windowsOf(call, [batch, height, width, channels], filter.shape, depthwise);
    const operands = [toNchw(graph, dy), kernelOf(graph, filter, depthwise)];
    const dx = graph.emit('ConvTranspose', operands, [batch, channels, height, width], dy.dtype, {
      attributes: { ...attributes, output_padding: outputPadding, group: depthwise ? channels : 1 },
    });
    return toNhwc(graph, dx);
  };

/** The values of x [B, H, W, C] that each tap of the filter is multiplied with: height x width tensors [B outHeight outWidth, C]. */
function tapsOf(graph: GraphBuilder, x: Value, { info, padEnd }: Window): Value[] {
  const [batch, height, width, channels] = x.shape as Shape4;
  const { top, left } = info.padInfo;
  const [bottom, right] = padEnd;
  const pads = graph.ints([0, top, left, 0, 0, bottom, right, 0]);
  const padded =
    top + left + bottom + right === 0
      ? x
      : graph.emit('Pad', [x, pads], [batch, height + top + bottom, width + left + right, channels], x.dtype);
  const taps: Value[] = [];
  for (let i = 0; i < info.filterHeight; i++) {
    for (let j = 0; j < info.filterWidth; j++) {
      const [row, column] = [i * info.dilationHeight, j * info.dilationWidth];
      const starts = graph.ints([row, column]);
      const ends = graph.ints([
        row + (info.outHeight - 1) * info.strideHeight + 1,
        column + (info.outWidth - 1) * info.strideWidth + 1,
      ]);
      const steps = graph.ints([info.strideHeight, info.strideWidth]);
      const shape = [batch, info.outHeight, info.outWidth, channels];
      const tap = graph.emit('Slice', [padded, starts, ends, graph.ints([1, 2]), steps], shape, x.dtype);
      taps.push(graph.reshape(tap, [batch * info.outHeight * info.outWidth, channels]));
    }
  }
  return taps;
}

/** One product: all taps side by side [positions, height width C], transposed, times dy [positions, O]. */
const filterGradient: Lowering = call => {
  const { graph, attrs } = call;
  const [x, dy] = [input(call, 'x'), input(call, 'dy')];
  const filterShape = attrs['filterShape'] as Shape4;
  const taps = tapsOf(graph, x, windowsOf(call, x.shape, filterShape, false));
  const [positions, channels] = taps[0]!.shape as [number, number];
  const columns = graph.emit('Concat', taps, [positions, taps.length * channels], x.dtype, { attributes: { axis: 1 } });
  return graph.reshape(
    gemm(graph, columns, graph.reshape(dy, [positions, filterShape[3]]), { transA: true }),
    filterShape,
  );
};

/** Per tap and channel the sum over positions of x dy. */
const depthwiseFilterGradient: Lowering = call => {
  const { graph, attrs } = call;
  const [x, dy] = [input(call, 'x'), input(call, 'dy')];
  const filterShape = attrs['filterShape'] as Shape4;
  const [, , channels, multiplier] = filterShape;
  const taps = tapsOf(graph, x, windowsOf(call, x.shape, filterShape, true));
  const positions = taps[0]!.shape[0]!;
  const gradients = graph.reshape(dy, [positions, channels, multiplier]);
  const sums = taps.map(tap => {
    const seen = graph.reshape(tap, [positions, channels, 1]);
    const products = graph.emit('Mul', [seen, gradients], gradients.shape, dy.dtype);
    return graph.emit('ReduceSum', [products, graph.ints([0])], [1, channels, multiplier], dy.dtype);
  });
  const joined = graph.emit('Concat', sums, [taps.length, channels, multiplier], dy.dtype, { attributes: { axis: 0 } });
  return graph.reshape(joined, filterShape);
};

export const nhwcConvolutions = {
  Conv2D: call => nhwcConvolution(call, false),
  Conv2DBackpropInput: inputGradient(false),
  Conv2DBackpropFilter: filterGradient,
  DepthwiseConv2dNative: call => nhwcConvolution(call, true),
  DepthwiseConv2dNativeBackpropInput: inputGradient(true),
  DepthwiseConv2dNativeBackpropFilter: depthwiseFilterGradient,
} satisfies Record<string, Lowering>;
