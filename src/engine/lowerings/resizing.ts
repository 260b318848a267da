/**
 * Lowerings of tfjs's image resizing (NHWC). Both methods are separable and linear: along each axis the result is a small
 * constant matrix times the image, and the gradient is the transposed matrix. Nearest neighbour forward is two gathers.
 */
import type { GraphBuilder, Value } from '../onnx/graph-builder.ts';
import { input, type KernelCall, type Lowering } from './lowering.ts';

interface Placement {
  readonly alignCorners: boolean;
  readonly halfPixelCenters: boolean;
}

function placementOf({ attrs }: KernelCall): Placement {
  return { alignCorners: attrs['alignCorners'] === true, halfPixelCenters: attrs['halfPixelCenters'] === true };
}

function scaleOf(from: number, to: number, { alignCorners }: Placement): number {
  return alignCorners && to > 1 ? (from - 1) / (to - 1) : from / to;
}

/** For each of `to` output pixels, the input pixel that it copies. */
function nearestSources(from: number, to: number, placement: Placement): number[] {
  const scale = scaleOf(from, to, placement);
  const round = placement.alignCorners ? Math.round : Math.floor;
  return Array.from({ length: to }, (_, pixel) =>
    Math.min(from - 1, round(scale * (placement.halfPixelCenters ? pixel + 0.5 : pixel))),
  );
}

/** [to, from]: row i holds the weights of the input pixels in output pixel i. */
function nearestMatrix(from: number, to: number, placement: Placement): Float32Array {
  const matrix = new Float32Array(to * from);
  for (const [pixel, source] of nearestSources(from, to, placement).entries()) matrix[pixel * from + source] = 1;
  return matrix;
}

function bilinearMatrix(from: number, to: number, placement: Placement): Float32Array {
  const scale = scaleOf(from, to, placement);
  const matrix = new Float32Array(to * from);
  for (let pixel = 0; pixel < to; pixel++) {
    const source = placement.halfPixelCenters ? scale * (pixel + 0.5) - 0.5 : scale * pixel;
    const below = Math.max(0, Math.floor(source));
    const above = Math.min(from - 1, Math.ceil(source));
    const share = source - below;
    matrix[pixel * from + below]! += 1 - share;
    matrix[pixel * from + above]! += share;
  }
  return matrix;
}

type Matrix = typeof bilinearMatrix;

/** Multiplies rows and columns of NHWC `x` by two matrices [height, H] and [width, W]. */
function multiplyAxes(graph: GraphBuilder, x: Value, rows: Value, columns: Value): Value {
  const [batch, inHeight, inWidth, channels] = x.shape as [number, number, number, number];
  const [height, width] = [rows.shape[0]!, columns.shape[0]!];
  const lines = graph.reshape(x, [batch, inHeight, inWidth * channels]);
  const tall = graph.emit('MatMul', [rows, lines], [batch, height, inWidth * channels], 'float32');
  const pixels = graph.reshape(tall, [batch * height, inWidth, channels]);
  const wide = graph.emit('MatMul', [columns, pixels], [batch * height, width, channels], 'float32');
  return graph.reshape(wide, [batch, height, width, channels]);
}

function transposed(matrix: Float32Array, rows: number, columns: number): Float32Array {
  return Float32Array.from(matrix, (_, index) => matrix[(index % rows) * columns + Math.floor(index / rows)]!);
}

const bilinear: Lowering = call => {
  const { graph, attrs } = call;
  const images = graph.cast(input(call, 'images'), 'float32');
  const matrices = ([1, 2] as const).map(axis => {
    const [from, to] = [images.shape[axis]!, (attrs['size'] as [number, number])[axis - 1]!];
    return graph.constant(bilinearMatrix(from, to, placementOf(call)), [to, from], 'float32');
  });
  return multiplyAxes(graph, images, matrices[0]!, matrices[1]!);
};

/**
 * The transposed matrices of the forward pass, for every placement and size. (tfjs's own JavaScript backend ignores half
 * pixel centres here, and swaps height and width of the result.)
 */
const gradient =
  (matrix: Matrix): Lowering =>
  call => {
    const { graph } = call;
    const [images, dy] = [input(call, 'images'), input(call, 'dy')];
    const matrices = ([1, 2] as const).map(axis => {
      const [from, to] = [images.shape[axis]!, dy.shape[axis]!];
      return graph.constant(transposed(matrix(from, to, placementOf(call)), to, from), [from, to], 'float32');
    });
    return multiplyAxes(graph, dy, matrices[0]!, matrices[1]!);
  };

const nearest: Lowering = call => {
  const { graph, attrs } = call;
  let images = input(call, 'images');
  for (const axis of [1, 2] as const) {
    const size = (attrs['size'] as [number, number])[axis - 1]!;
    const sources = graph.ints(nearestSources(images.shape[axis]!, size, placementOf(call)));
    const shape = images.shape.map((dimension, index) => (index === axis ? size : dimension));
    images = graph.emit('Gather', [images, sources], shape, images.dtype, { attributes: { axis } });
  }
  return images;
};

export const resizing = {
  ResizeBilinear: bilinear,
  ResizeBilinearGrad: gradient(bilinearMatrix),
  ResizeNearestNeighbor: nearest,
  ResizeNearestNeighborGrad: gradient(nearestMatrix),
} satisfies Record<string, Lowering>;
