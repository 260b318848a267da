/** Lowerings of kernels that move blocks of pixels between the spatial axes and the batch or channel axis. */
import * as tf from '@tensorflow/tfjs';
import { input, type Lowering } from './lowering.ts';
import { sliceBox } from './shape.ts';

const { getReshaped, getPermuted, getReshapedPermuted, getSliceBeginCoords, getSliceSize } = tf.backend_util;

const batchToSpace: Lowering = call => {
  const { graph, attrs } = call;
  const x = input(call, 'x');
  const block = attrs['blockShape'] as number[];
  const crops = attrs['crops'] as number[][];
  const count = block.reduce((product, size) => product * size, 1);
  const split = graph.reshape(x, getReshaped([...x.shape], block, count));
  const moved = graph.transpose(split, getPermuted(split.shape.length, block.length));
  const merged = graph.reshape(moved, getReshapedPermuted([...x.shape], block, count));
  const begin = getSliceBeginCoords(crops, block.length);
  const size = getSliceSize([...merged.shape], crops, block.length);
  const whole = merged.shape.map((dimension, axis) => size[axis] ?? dimension);
  return sliceBox(
    graph,
    merged,
    merged.shape.map((_, axis) => begin[axis] ?? 0),
    whole,
  );
};

const spaceToBatch: Lowering = call => {
  const { graph, attrs } = call;
  const x = input(call, 'x');
  const block = attrs['blockShape'] as number[];
  const paddings = attrs['paddings'] as [number, number][];
  const count = block.reduce((product, size) => product * size, 1);
  const around = (axis: number) => paddings[axis - 1] ?? [0, 0];
  const shape = x.shape.map((dimension, axis) => dimension + around(axis)[0] + around(axis)[1]);
  const pads = graph.ints([
    ...x.shape.map((_, axis) => (axis === 0 ? 0 : around(axis)[0])),
    ...x.shape.map((_, axis) => (axis === 0 ? 0 : around(axis)[1])),
  ]);
  const padded = paddings.flat().some(size => size > 0) ? graph.emit('Pad', [x, pads], shape, x.dtype) : x;
  const split = graph.reshape(padded, getReshaped([...shape], block, count, false));
  const moved = graph.transpose(split, getPermuted(split.shape.length, block.length, false));
  return graph.reshape(moved, getReshapedPermuted([...shape], block, count, false));
};

const depthToSpace: Lowering = call => {
  const { graph, attrs } = call;
  if (attrs['dataFormat'] !== 'NHWC') throw new TypeError('DepthToSpace is lowered for NHWC only');
  const x = input(call, 'x');
  const [batch, height, width, depth] = x.shape as [number, number, number, number];
  const block = attrs['blockSize'] as number;
  const channels = depth / (block * block);
  const split = graph.reshape(x, [batch, height, width, block, block, channels]);
  return graph.reshape(graph.transpose(split, [0, 1, 3, 2, 4, 5]), [batch, height * block, width * block, channels]);
};

export const spaceToBatchKernels = {
  BatchToSpaceND: batchToSpace,
  SpaceToBatchND: spaceToBatch,
  DepthToSpace: depthToSpace,
} satisfies Record<string, Lowering>;
