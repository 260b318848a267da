/** Lowerings of tfjs's two-dimensional pooling (NHWC) and its gradients. */
import * as tf from '@tensorflow/tfjs';
import { sizeOf } from '../../core/host-tensor.ts';
import type { Value } from '../onnx/graph-builder.ts';
import { input, type KernelCall, type Lowering } from './lowering.ts';
import { toNchw, toNhwc, windowOf } from './nhwc-window.ts';

type Shape4 = [number, number, number, number];

/** The pooling windows over an NHWC `shape`. */
function poolOf({ attrs }: KernelCall, shape: readonly number[]) {
  return windowOf(
    tf.backend_util.computePool2DInfo(
      shape as Shape4,
      attrs['filterSize'] as number,
      attrs['strides'] as number,
      1,
      attrs['pad'] as number,
      attrs['dimRoundingMode'] as 'floor',
    ),
  );
}

/** Averages over the part of each window that lies inside the image, as tfjs and TensorFlow do. */
const averagePool: Lowering = call => {
  const { graph } = call;
  const x = input(call, 'x');
  const { nchwOutShape, attributes } = poolOf(call, x.shape);
  const { dilations: _, ...pooling } = attributes;
  return toNhwc(graph, graph.emit('AveragePool', [toNchw(graph, x)], nchwOutShape, x.dtype, { attributes: pooling }));
};

/**
 * Each value of dy spread evenly over the pixels of its window that lie inside the image.
 * (tfjs's own JavaScript backend divides by the whole window at the border, which is not the gradient of its average.)
 */
const averagePoolGradient: Lowering = call => {
  const { graph } = call;
  const [dy, x] = [input(call, 'dy'), input(call, 'input')];
  const { info, outputPadding, attributes } = poolOf(call, x.shape);
  const inside = (index: number, stride: number, before: number, kernel: number, size: number) =>
    Math.min(index * stride - before + kernel, size) - Math.max(index * stride - before, 0);
  const shares = Float32Array.from({ length: info.outHeight * info.outWidth }, (_, position) => {
    const row = Math.floor(position / info.outWidth);
    const column = position % info.outWidth;
    const rows = inside(row, info.strideHeight, info.padInfo.top, info.filterHeight, info.inHeight);
    const columns = inside(column, info.strideWidth, info.padInfo.left, info.filterWidth, info.inWidth);
    return 1 / (rows * columns);
  });
  const planes = x.shape[0]! * x.shape[3]!;
  const share = graph.constant(shares, [info.outHeight, info.outWidth], 'float32');
  const spread = graph.reshape(toNchw(graph, dy), [planes, 1, info.outHeight, info.outWidth]);
  const weighted = graph.emit('Mul', [spread, share], spread.shape, dy.dtype);
  const ones = new Float32Array(info.filterHeight * info.filterWidth).fill(1);
  const kernel = graph.constant(ones, [1, 1, info.filterHeight, info.filterWidth], 'float32');
  const dx = graph.emit('ConvTranspose', [weighted, kernel], [planes, 1, info.inHeight, info.inWidth], dy.dtype, {
    attributes: { ...attributes, output_padding: outputPadding },
  });
  return toNhwc(graph, graph.reshape(dx, [x.shape[0]!, x.shape[3]!, info.inHeight, info.inWidth]));
};

/** ONNX Runtime pools floats only. */
const maxPool: Lowering = call => {
  const { graph } = call;
  const x = input(call, 'x');
  const { nchwOutShape, attributes } = poolOf(call, x.shape);
  const images = toNchw(graph, graph.cast(x, 'float32'));
  return graph.cast(toNhwc(graph, graph.emit('MaxPool', [images], nchwOutShape, 'float32', { attributes })), x.dtype);
};

/** dy goes to the first largest pixel of each window (row by row), as in tfjs; MaxPool returns its position. */
const maxPoolGradient: Lowering = call => {
  const { graph } = call;
  const [dy, x] = [input(call, 'dy'), input(call, 'input')];
  const { nchwOutShape, attributes } = poolOf(call, x.shape);
  const images = toNchw(graph, x);
  const [, positions] = graph.emitMany(
    'MaxPool',
    [images],
    [
      { shape: nchwOutShape, dtype: x.dtype },
      { shape: nchwOutShape, dtype: 'int64' },
    ],
    { attributes },
  ) as [Value, Value];
  const [total, count] = [sizeOf(x.shape), sizeOf(nchwOutShape)];
  const zeros = graph.emit('Expand', [graph.scalar(0), graph.ints([total])], [total], 'float32');
  const updates = graph.reshape(toNchw(graph, dy), [count]);
  const dx = graph.emit('ScatterElements', [zeros, graph.reshape(positions, [count]), updates], [total], dy.dtype, {
    attributes: { axis: 0, reduction: 'add' },
  });
  return toNhwc(graph, graph.reshape(dx, images.shape));
};

export const pooling = {
  AvgPool: averagePool,
  AvgPoolGrad: averagePoolGradient,
  MaxPool: maxPool,
  MaxPoolGrad: maxPoolGradient,
} satisfies Record<string, Lowering>;
