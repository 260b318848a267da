/**
 * Names, inputs and attributes of the fused kernels: the contract between the ops (which run them), the eager backends
 * (which compose them from plain kernels) and the recording backend (which lowers each to one ONNX node).
 */

export const LINEAR = 'DuetLinear';
export const ATTENTION = 'DuetAttention';
export const LAYER_NORM = 'DuetLayerNorm';
export const GROUP_NORM = 'DuetGroupNorm';
export const RMS_NORM = 'DuetRmsNorm';
export const ROTARY = 'DuetRotary';
export const GELU = 'DuetGelu';
export const GELU_GRAD = 'DuetGeluGrad';
export const SILU = 'DuetSilu';
export const CONV2D = 'DuetConv2d';
export const CONV2D_INPUT_GRAD = 'DuetConv2dInputGrad';
export const CONV2D_WEIGHT_GRAD = 'DuetConv2dWeightGrad';
export const UPSAMPLE_2X = 'DuetUpsample2x';
export const UPSAMPLE_2X_GRAD = 'DuetUpsample2xGrad';

/** `erf`: exact; `tanh`: GPT-2's gelu_new; `quick`: CLIP's x * sigmoid(1.702 x). */
export type GeluApproximation = 'erf' | 'tanh' | 'quick';

/** Zeros added on each side of the two spatial axes: [top, left, bottom, right]. */
export type Padding = readonly [top: number, left: number, bottom: number, right: number];

export type Shape4 = readonly [number, number, number, number];

/** Attributes of each fused kernel. */
export interface KernelAttributes {
  [LINEAR]: Record<never, never>;
  [ATTENTION]: {
    readonly heads: number;
    readonly causal: boolean;
    readonly scale: number;
    /** Of composed attention. */
    readonly sliceRows?: number;
  };
  [LAYER_NORM]: { readonly epsilon: number };
  [GROUP_NORM]: { readonly groups: number; readonly epsilon: number };
  [RMS_NORM]: { readonly epsilon: number };
  [ROTARY]: Record<never, never>;
  [GELU]: { readonly approximation: GeluApproximation };
  [GELU_GRAD]: { readonly approximation: GeluApproximation };
  [SILU]: Record<never, never>;
  [CONV2D]: { readonly stride: number; readonly pad: Padding };
  [CONV2D_INPUT_GRAD]: { readonly stride: number; readonly pad: Padding; readonly inputShape: Shape4 };
  [CONV2D_WEIGHT_GRAD]: { readonly stride: number; readonly pad: Padding; readonly kernelShape: Shape4 };
  [UPSAMPLE_2X]: Record<never, never>;
  [UPSAMPLE_2X_GRAD]: Record<never, never>;
}

export type KernelName = keyof KernelAttributes;
