/** The fused ops. Importing this module registers their kernels and gradients with tfjs (once). */
export { type AttentionOptions, attention } from './attention.ts';
export { type Conv2dOptions, conv2d } from './conv2d.ts';
export { gelu } from './gelu.ts';
export { type GroupNormOptions, groupNorm } from './group-norm.ts';
export type { GeluApproximation, Padding } from './kernel-names.ts';
export { type LayerNormOptions, layerNorm } from './layer-norm.ts';
export { linear } from './linear.ts';
export { rmsNorm } from './rms-norm.ts';
export { rotary } from './rotary.ts';
export { silu } from './silu.ts';
export { upsample2x } from './upsample.ts';
