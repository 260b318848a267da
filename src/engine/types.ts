/**
 * The engine's contract: a program is a pure function of tensors; `compile` turns it into something that runs.
 * Programs never see batches being split, processes or files.
 */
import type * as tf from '@tensorflow/tfjs';
import type { DType, HostTensor, TensorSource } from '../core/host-tensor.ts';
import type { Tree } from '../core/tree.ts';
import type { SequenceRow } from './sequences/extend-rows.ts';
import type { SequenceStore } from './sequences/sequence-store.ts';

/** `cpu`: recorded to ONNX and run by ONNX Runtime. `tensorflow`: eager on tfjs-node(-gpu). `reference`: eager on tfjs's own JavaScript backend (slow; the oracle in tests). */
export type Device = 'cpu' | 'tensorflow' | 'reference';

/**
 * How numbers are multiplied. `fp32`: exactly what the program says. `int8`: wide linear layers in integers of 8 bits,
 * twice as fast, with errors of about one per cent; on the device `cpu` alone.
 */
export type Precision = 'fp32' | 'int8';

/**
 * Shape and type of one input. A name in the shape (`'batch'`, `'length'`, any other) stands for one number, the same in all
 * inputs that name it and fixed anew at each run.
 */
export interface InputSpec {
  readonly dtype: DType;
  readonly shape: readonly (number | string)[];
}

/** Which sizes of a named dimension a program takes. */
export interface DimensionLimits {
  /** @default none */
  readonly max?: number;
  /** For programs that halve a dimension, say. @default 1 */
  readonly multipleOf?: number;
}

/** The trees of values that may stand for the tree of tensors P when a program is compiled; any tree if P is not known. */
export type Sources<P, T = TensorSource> = unknown extends P
  ? Tree<T> | undefined
  : P extends tf.Tensor
    ? T
    : P extends readonly (infer U)[]
      ? readonly Sources<U, T>[]
      : P extends object
        ? { readonly [K in keyof P]: Sources<P[K], T> }
        : P;

export type TensorRecord = Record<string, tf.Tensor>;

/**
 * A pure function from tensors to tensors.
 * `params` never change; `state` (optional) is replaced by the returned `state` after each run and stays where the
 * computation is, so that a training step moves nothing but its batch and its loss.
 */
export type Program<P, S> = (args: { params: P; state: S; inputs: TensorRecord }) => {
  outputs: TensorRecord;
  /** Must have the tree structure, shapes and dtypes of the `state` given. */
  state?: S;
};

/** What a program is compiled for: its parameters P and its state S as values, and its inputs. */
export interface CompileSpec<P = unknown, S = unknown> {
  readonly params?: Sources<P>;
  readonly state?: Sources<S>;
  readonly inputs: Readonly<Record<string, InputSpec>>;
  /** Limits of named dimensions. A program that refuses sizes above some number must name it here to be one graph for all others. */
  readonly dimensions?: Readonly<Record<string, DimensionLimits>>;
  /**
   * Sequences that the program extends, from {@link createSequences} for the same device. The program is given them as inputs
   * named as in their layout, [batch, past, ...] each, with `pastLengths` int32 [batch]: of row b the first pastLengths[b]
   * positions are there, what follows is zero and must be masked. It returns under the same names, among its outputs, what it
   * adds to each: [batch, N, ...]. Its own inputs begin with 'batch'.
   */
  readonly sequences?: SequenceStore;
  /**
   * The second dimension of all inputs, if it counts the positions that a call adds to each sequence and one call adds what
   * several do that are given the same positions in turn, as in a causal language model. Sequences that were lost with their
   * process are then computed again in few calls.
   */
  readonly positions?: string;
}

export interface CompileOptions {
  /** @default 'cpu' */
  readonly device?: Device;
  /** @default 'fp32' */
  readonly precision?: Precision;
  /** Threads of ONNX Runtime's pool. @default the number of cores */
  readonly threads?: number;
  /** Shown in errors and used as the name of the cached graph. @default 'program' */
  readonly name?: string;
  readonly signal?: AbortSignal;
}

export interface RunOptions {
  /** An abort rejects at once. On the device `cpu` the computation itself is ended if it lasts for more than a second. */
  readonly signal?: AbortSignal;
}

export interface ExtendOptions extends RunOptions {
  /** Names of the outputs that are wanted: others do not leave the place of computation. @default all */
  readonly outputs?: readonly string[];
}

export interface Executable {
  /**
   * Runs once. `inputs` must not be changed before it has settled. Outputs are host tensors, valid until the caller drops them.
   * @throws DuetError 'worker-died' if the inference process ends meanwhile
   */
  run(inputs: Readonly<Record<string, HostTensor>>, options?: RunOptions): Promise<Record<string, HostTensor>>;
  /**
   * Extends sequences (see {@link CompileSpec.sequences}). Each row is a sequence and the program's inputs without their batch
   * axis; sequences may be of different lengths. Rows whose inputs have the same shapes share one call of the program.
   * @returns for each row the program's other outputs, without their batch axis
   * What fails to be extended, or is aborted, stays as it was. If the inference process is ended or dies, its sequences are
   * computed again in the next one when they are next extended, from the inputs that they were extended by, of which it keeps copies.
   * @throws DuetError 'worker-died' if the inference process dies meanwhile; 'released' if a sequence was dropped;
   * 'memory-full' if there is no room for it
   */
  extend(rows: readonly SequenceRow[], options?: ExtendOptions): Promise<Record<string, HostTensor>[]>;
  /** The current state by dotted name. */
  readState(): Promise<Record<string, HostTensor>>;
  /** Replaces the state (all of it) by dotted name. */
  writeState(state: Readonly<Record<string, HostTensor>>): Promise<void>;
  /** Frees the session and the weights. Further calls throw. Idempotent. */
  release(): Promise<void>;
}
