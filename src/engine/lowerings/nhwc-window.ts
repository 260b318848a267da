/** What tfjs's NHWC windows (convolution, pooling) become in ONNX, whose operators are NCHW. */
import type * as tf from '@tensorflow/tfjs';
import type { GraphBuilder, Value } from '../onnx/graph-builder.ts';

export type ConvInfo = ReturnType<typeof tf.backend_util.computeConv2DInfo>;

export interface Window {
  readonly info: ConvInfo;
  readonly nchwOutShape: readonly [number, number, number, number];
  /** Rows and columns at the end of the input that no window reaches: `output_padding` of the transposed operator. */
  readonly outputPadding: readonly [rows: number, columns: number];
  /** Zeros at the end of each axis, just enough for the last window. */
  readonly padEnd: readonly [bottom: number, right: number];
  /** kernel_shape, strides, pads, dilations. */
  readonly attributes: Readonly<Record<string, readonly number[]>>;
}

/** Windows from tfjs's description. The end padding is derived from the number of windows: tfjs's may be rounded. */
export function windowOf(info: ConvInfo): Window {
  const { top, left } = info.padInfo;
  const reach = (outputs: number, stride: number, kernel: number, before: number, size: number) =>
    (outputs - 1) * stride + kernel - before - size;
  const rows = reach(info.outHeight, info.strideHeight, info.effectiveFilterHeight, top, info.inHeight);
  const columns = reach(info.outWidth, info.strideWidth, info.effectiveFilterWidth, left, info.inWidth);
  const padEnd = [Math.max(0, rows), Math.max(0, columns)] as const;
  return {
    info,
    nchwOutShape: [info.batchSize, info.outChannels, info.outHeight, info.outWidth],
    outputPadding: [Math.max(0, -rows), Math.max(0, -columns)],
    padEnd,
    attributes: {
      kernel_shape: [info.filterHeight, info.filterWidth],
      strides: [info.strideHeight, info.strideWidth],
      pads: [top, left, ...padEnd],
      dilations: [info.dilationHeight, info.dilationWidth],
    },
  };
}

export function toNchw(graph: GraphBuilder, x: Value): Value {
  return graph.transpose(x, [0, 3, 1, 2]);
}

export function toNhwc(graph: GraphBuilder, x: Value): Value {
  return graph.transpose(x, [0, 2, 3, 1]);
}
