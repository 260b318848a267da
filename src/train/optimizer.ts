/**
 * AdamW, gradient clipping and the moving average of weights as pure functions over flat records of tensors.
 * AdamW: Loshchilov and Hutter 2019 (arXiv 1711.05101), decay decoupled and on every parameter, as U-ViT trains.
 * Everything that depends on the step number arrives as a scalar computed on the host in double precision
 * (`adamScalars`), so that one recorded graph serves all steps.
 */
import * as tf from '@tensorflow/tfjs';
import type { TensorRecord } from '../engine/types.ts';
import type { OptimizerConfig } from './config.ts';

/** Names of the scalar inputs of an optimizer step, each of shape []. */
export const scalarNames = ['stepSize', 'decay', 'momentScale', 'emaDecay'] as const;

export type OptimizerScalars = Record<(typeof scalarNames)[number], number>;

/** What a training step keeps: parameters, both moments, averaged parameters; one entry per parameter name. */
export interface TrainState<T> {
  readonly params: Record<string, T>;
  readonly m: Record<string, T>;
  readonly v: Record<string, T>;
  readonly ema: Record<string, T>;
}

/** The learning rate of `step` (from 0): linear warm-up, then constant, or half a cosine down to `finalShare`. */
export function learningRate(config: OptimizerConfig, step: number, steps: number): number {
  const { lr, warmup, schedule, finalShare } = config;
  if (step < warmup) return (lr * (step + 1)) / warmup;
  if (schedule === 'constant') return lr;
  const progress = Math.min(1, (step - warmup) / Math.max(1, steps - warmup));
  return lr * (finalShare + (1 - finalShare) * 0.5 * (1 + Math.cos(Math.PI * progress)));
}

/**
 * The scalars of AdamW's update number `step` (from 0) at learning rate `lr`.
 * The average's decay is warmed up as min(ema, (1 + n) / (10 + n)) so that early samples show recent weights.
 */
export function optimizerScalars(config: OptimizerConfig, step: number, lr: number): OptimizerScalars {
  const [beta1, beta2] = config.betas;
  const n = step + 1;
  return {
    stepSize: lr / (1 - beta1 ** n),
    decay: 1 - lr * config.weightDecay,
    momentScale: 1 / Math.sqrt(1 - beta2 ** n),
    emaDecay: config.emaWarmup ? Math.min(config.ema, (1 + n) / (10 + n)) : config.ema,
  };
}

/** The L2 norm over all gradients, a scalar. */
export function globalNorm(gradients: readonly tf.Tensor[]): tf.Scalar {
  const squares = gradients.map(gradient => tf.sum(tf.square(gradient)));
  return tf.sqrt(tf.addN(squares)) as tf.Scalar;
}

/**
 * One AdamW update with clipping and averaging.
 * @param scalars tensors of shape [] named `scalarNames`
 * @returns the new state and the gradient norm before clipping
 */
export function adamWStep(
  state: TrainState<tf.Tensor>,
  gradients: TensorRecord,
  scalars: TensorRecord,
  config: Pick<OptimizerConfig, 'betas' | 'epsilon' | 'clipNorm'> & {
    /** Learning rate of a parameter as a multiple of the others'. @default 1 */
    readonly rateFactor?: (name: string) => number;
  },
): { state: TrainState<tf.Tensor>; gradientNorm: tf.Scalar } {
  const [beta1, beta2] = config.betas;
  const gradientNorm = globalNorm(Object.values(gradients));
  // torch's clip_grad_norm_: the factor is at most 1, the norm is kept away from 0.
  const clip = tf.minimum(1, tf.div(config.clipNorm, tf.add(gradientNorm, 1e-6)));
  const clipped1 = tf.mul(clip, 1 - beta1);
  const clipped2 = tf.mul(tf.square(clip), 1 - beta2);
  const { stepSize, decay, momentScale, emaDecay } = scalars as Record<(typeof scalarNames)[number], tf.Scalar>;
  const emaRest = tf.sub(1, emaDecay!);
  const next: TrainState<tf.Tensor> = { params: {}, m: {}, v: {}, ema: {} };
  for (const [name, p] of Object.entries(state.params)) {
    const g = gradients[name]!;
    const m = tf.add(tf.mul(state.m[name]!, beta1), tf.mul(g, clipped1));
    const v = tf.add(tf.mul(state.v[name]!, beta2), tf.mul(tf.square(g), clipped2));
    const denominator = tf.add(tf.mul(tf.sqrt(v), momentScale!), config.epsilon);
    const factor = config.rateFactor?.(name) ?? 1;
    const [rate, kept] = factor === 1 ? [stepSize!, decay!] : scaledRate(stepSize!, decay!, factor);
    const updated = tf.sub(tf.mul(p, kept), tf.mul(tf.div(m, denominator), rate));
    next.params[name] = updated;
    next.m[name] = m;
    next.v[name] = v;
    next.ema[name] = tf.add(tf.mul(state.ema[name]!, emaDecay!), tf.mul(updated, emaRest));
  }
  return { state: next, gradientNorm };
}

/** Step size and decay of a learning rate that is `factor` times as large. */
function scaledRate(stepSize: tf.Scalar, decay: tf.Scalar, factor: number): [tf.Tensor, tf.Tensor] {
  return [tf.mul(stepSize, factor), tf.sub(1, tf.mul(tf.sub(1, decay), factor))];
}
