/**
 * The training step as one program: forward, loss, gradients, clipping, AdamW and the moving average. The state stays
 * in the engine between steps; only the batch, a few scalars and the metrics are transferred.
 */
import * as tf from '@tensorflow/tfjs';
import {
  type DType,
  float32,
  type HostTensor,
  isHostTensor,
  isTensorSource,
  type TensorSource,
} from '../core/host-tensor.ts';
import { flattenTree, mapTree, type Tree } from '../core/tree.ts';
import type { InputSpec, Program, Sources, TensorRecord } from '../engine/types.ts';
import type { OptimizerConfig } from './config.ts';
import { adamWStep, type OptimizerScalars, scalarNames, type TrainState } from './optimizer.ts';

/** What is minimised: `loss`, and further figures to plot; all scalars. */
export interface LossResult {
  readonly loss: tf.Scalar;
  readonly metrics?: Readonly<Record<string, tf.Tensor>>;
}

/**
 * A training objective: a loss over a parameter tree.
 * @typeParam P the tree of trained parameters as tensors, F the tree of frozen ones
 */
export interface Objective<P, F> {
  /** Shapes of one batch. */
  readonly inputs: Readonly<Record<string, InputSpec>>;
  readonly loss: (params: P, frozen: F, inputs: TensorRecord) => LossResult;
  /** Learning rate of a parameter as a multiple of the others'. @default 1 */
  readonly rateFactor?: (name: string) => number;
}

/** An objective with the parameters that it takes, as values. */
export interface TrainingProblem<P, F> {
  readonly objective: Objective<P, F>;
  readonly initialParams: Sources<P, HostTensor>;
  readonly frozen: Sources<F>;
}

/** A state whose four parts are flat records by parameter name. */
export type HostState = TrainState<HostTensor>;

/** The state before the first step: zero moments, the average at the initial parameters. */
export function initialState(params: Tree<HostTensor>): HostState {
  const flat = flattenTree<HostTensor>(params, isHostTensor);
  const zeros = (): Record<string, HostTensor> =>
    mapRecord(flat, ({ shape, data }) => float32(shape, new Float32Array(data.length)));
  // Copies: the engine keeps and overwrites the memory of each entry on its own.
  const copies = (): Record<string, HostTensor> =>
    mapRecord(flat, tensor => ({ ...tensor, data: tensor.data.slice() }));
  return { params: copies(), m: zeros(), v: zeros(), ema: copies() };
}

/** The input specs of a step program: the objective's and the optimizer's scalars. */
export function stepInputs<P, F>(objective: Objective<P, F>): Record<string, InputSpec> {
  const scalars = scalarNames.map(name => [name, { dtype: 'float32' as DType, shape: [] }] as const);
  return { ...objective.inputs, ...Object.fromEntries(scalars) };
}

/** The scalars of `optimizerScalars` as inputs of a step program. */
export function scalarInputs(scalars: OptimizerScalars): Record<string, HostTensor> {
  return mapRecord(scalars, value => float32([], Float32Array.of(value)));
}

/**
 * The program of one training step. Outputs: `loss`, `gradientNorm` and the objective's metrics, each of shape [].
 * Its params are the objective's frozen tree, its state a `TrainState`.
 * @param structure any tree of the trained parameters' structure; names the parameters
 */
export function trainStep<P, F>(
  objective: Objective<P, F>,
  structure: Tree<TensorSource>,
  optimizer: OptimizerConfig,
): Program<F, TrainState<tf.Tensor>> {
  return ({ params: frozen, state, inputs }) => {
    const { loss, metrics, gradients } = lossGradients(
      flat => objective.loss(paramsOf<P>(flat, structure), frozen, inputs),
      state.params,
    );
    const { rateFactor } = objective;
    const options = { ...optimizer, ...(rateFactor && { rateFactor }) };
    const { state: next, gradientNorm } = adamWStep(state, gradients, inputs, options);
    return { outputs: { loss, gradientNorm, ...metrics }, state: next };
  };
}

/** The program of the loss alone; its state is the flat record of parameters, which it leaves as it is. */
export function lossOnly<P, F>(objective: Objective<P, F>, structure: Tree<TensorSource>): Program<F, TensorRecord> {
  return ({ params: frozen, state, inputs }) => {
    const { loss, metrics } = objective.loss(paramsOf<P>(state, structure), frozen, inputs);
    return { outputs: { loss, ...metrics }, state };
  };
}

/** The loss, its metrics and its gradient by parameter name; zeros where the loss does not depend on a parameter. */
export function lossGradients(
  lossOf: (params: TensorRecord) => LossResult,
  params: TensorRecord,
): { loss: tf.Scalar; metrics: TensorRecord; gradients: TensorRecord } {
  const names = Object.keys(params);
  let metrics: TensorRecord = {};
  const { value, grads } = tf.engine().gradients(
    () => {
      const result = lossOf(params);
      // The engine tidies this function; metrics leave it beside its result.
      metrics = mapRecord(result.metrics ?? {}, metric => tf.keep(metric));
      return result.loss;
    },
    Object.values(params),
    undefined,
    true,
  );
  const gradients = names.map((name, index) => [name, grads[index] ?? tf.zerosLike(params[name]!)] as const);
  return { loss: value as tf.Scalar, metrics, gradients: Object.fromEntries(gradients) };
}

/** The parameters of an objective from their flat record. */
function paramsOf<P>(flat: TensorRecord, structure: Tree<TensorSource>): P {
  // The structure is that of the objective's parameters, see `TrainingProblem`; mapping it forgets its type.
  return nest(flat, structure) as P;
}

/** The tree of `structure` with the tensors of the flat record `params`. */
export function nest<T>(params: Readonly<Record<string, T>>, structure: Tree<TensorSource>): Tree<T> {
  return mapTree(structure, isTensorSource, (_, name) => params[name]!);
}

export function mapRecord<T, U>(
  record: Readonly<Record<string, T>>,
  f: (value: T, name: string) => U,
): Record<string, U> {
  return Object.fromEntries(Object.entries(record).map(([name, value]) => [name, f(value, name)]));
}
