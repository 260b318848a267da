/**
 * Two-dimensional convolution (cross-correlation) in NCHW with weights [O, C, kh, kw] and explicit padding per side.
 * The eager backends only know NHWC: the composed kernels transpose around it.
 */
import * as tf from '@tensorflow/tfjs';
import { assertShape, registerFusedKernel, runFusedKernel, show } from './fused-kernel.ts';
import { CONV2D, CONV2D_INPUT_GRAD, CONV2D_WEIGHT_GRAD, type Padding, type Shape4 } from './kernel-names.ts';

const toNhwc = (x: tf.Tensor) => x.transpose<tf.Tensor4D>([0, 2, 3, 1]);
const toNchw = (x: tf.Tensor) => x.transpose([0, 3, 1, 2]);
/** [O, C, kh, kw] to tfjs's [kh, kw, C, O]. */
const toHwio = (weight: tf.Tensor) => weight.transpose<tf.Tensor4D>([2, 3, 1, 0]);

/** x [B, C, H, W] as NHWC with its zeros around it. */
function padded(x: tf.Tensor, [top, left, bottom, right]: Padding): tf.Tensor4D {
  const nhwc = toNhwc(x);
  if (top + left + bottom + right === 0) return nhwc;
  return nhwc.pad([
    [0, 0],
    [top, bottom],
    [left, right],
    [0, 0],
  ]);
}

registerFusedKernel({
  name: CONV2D,
  compose: ({ x, weight, bias }, { stride, pad }) => {
    const y = tf.conv2d(padded(x!, pad), toHwio(weight!), stride, 'valid');
    return toNchw(bias ? y.add(bias) : y);
  },
  save: ['x', 'weight'],
  gradient: (dy, [x, weight], { stride, pad }) => ({
    x: () =>
      runFusedKernel(
        CONV2D_INPUT_GRAD,
        { dy, weight: weight! },
        { stride, pad, inputShape: x!.shape as unknown as Shape4 },
      ),
    weight: () =>
      runFusedKernel(
        CONV2D_WEIGHT_GRAD,
        { x: x!, dy },
        { stride, pad, kernelShape: weight!.shape as unknown as Shape4 },
      ),
    bias: () => dy.sum([0, 2, 3]),
  }),
});

registerFusedKernel({
  name: CONV2D_INPUT_GRAD,
  compose: ({ dy, weight }, { stride, pad, inputShape }) => {
    const [batch, channels, height, width] = inputShape;
    const [top, left, bottom, right] = pad;
    const paddedShape: [number, number, number, number] = [
      batch,
      height + top + bottom,
      width + left + right,
      channels,
    ];
    const dx = tf.conv2dTranspose(toNhwc(dy!), toHwio(weight!), paddedShape, stride, 'valid');
    return toNchw(dx.slice([0, top, left, 0], [batch, height, width, channels]));
  },
});

registerFusedKernel({
  name: CONV2D_WEIGHT_GRAD,
  compose: ({ x, dy }, { stride, pad, kernelShape }) => {
    const [outputs, channels, kernelHeight, kernelWidth] = kernelShape;
    const dWeight: tf.Tensor = tf.engine().runKernel(
      tf.Conv2DBackpropFilter,
      { x: padded(x!, pad), dy: toNhwc(dy!) },
      {
        strides: [stride, stride],
        pad: 'valid',
        dataFormat: 'NHWC',
        dimRoundingMode: 'floor',
        filterShape: [kernelHeight, kernelWidth, channels, outputs],
      },
    );
    return dWeight.transpose([3, 2, 0, 1]);
  },
});

/** Options of {@link conv2d}. */
export interface Conv2dOptions {
  /** Step along both axes. @default 1 */
  readonly stride?: number;
  /** Zeros added around the image: one number for all sides or [top, left, bottom, right]. @default 0 */
  readonly pad?: number | Padding;
}

/**
 * Convolves images with a filter bank.
 * @param x [B, C, H, W]
 * @param weight [O, C, kh, kw]
 * @param bias [O]
 * @returns [B, O, H', W'] with H' = floor((H + top + bottom - kh) / stride) + 1
 * @throws `invalid-argument` when the shapes do not fit or the filter is larger than the padded image
 */
export function conv2d(x: tf.Tensor, weight: tf.Tensor, bias?: tf.Tensor, options: Conv2dOptions = {}): tf.Tensor {
  const { stride = 1, pad = 0 } = options;
  const sides: Padding = typeof pad === 'number' ? [pad, pad, pad, pad] : pad;
  assertShape(
    x.rank === 4 && weight.rank === 4 && x.shape[1] === weight.shape[1],
    () => `conv2d: x [B, C, H, W] and weight [O, C, kh, kw] are needed, got ${show(x)} and ${show(weight)}`,
  );
  assertShape(
    !bias || (bias.rank === 1 && bias.shape[0] === weight.shape[0]),
    () => `conv2d: the bias must have shape [${weight.shape[0]}], got ${show(bias!)}`,
  );
  assertShape(
    [stride, ...sides].every(Number.isInteger) && stride > 0 && sides.every(side => side >= 0),
    () => `conv2d: stride and padding must be whole numbers, got ${stride} and [${sides.join(', ')}]`,
  );
  assertShape(
    x.shape[2]! + sides[0] + sides[2] >= weight.shape[2]! && x.shape[3]! + sides[1] + sides[3] >= weight.shape[3]!,
    () => `conv2d: the filter ${show(weight)} is larger than the padded image ${show(x)}`,
  );
  return runFusedKernel(CONV2D, bias ? { x, weight, bias } : { x, weight }, { stride, pad: sides });
}
