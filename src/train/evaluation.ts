/** Programs run on the averaged parameters of a stage, for validation and previews. */
import type { HostTensor, TensorSource } from '../core/host-tensor.ts';
import type { Tree } from '../core/tree.ts';
import { compile } from '../engine/index.ts';
import type { CompileOptions, Executable } from '../engine/types.ts';
import { lossOnly, type TrainingProblem } from './step.ts';

/** Averaged parameters by dotted name. */
export type Averages = Readonly<Record<string, HostTensor>>;

export interface Evaluation {
  /** The program with `averages` as its state. */
  on(averages: Averages): Promise<Executable>;
  release(): Promise<void>;
}

/** A program whose state is the flat record of averages: compiled when first needed, then given the newest ones. */
export function evaluationOf(compileFor: (averages: Averages) => Promise<Executable>): Evaluation {
  let executable: Executable | undefined;
  return {
    async on(averages) {
      executable ??= await compileFor(averages);
      await executable.writeState(averages);
      return executable;
    },
    async release() {
      await executable?.release();
    },
  };
}

/** The loss of a training problem and its metrics on batches of its shape. */
export function lossEvaluation<P, F>(
  { objective, initialParams, frozen }: TrainingProblem<P, F>,
  options: CompileOptions,
): Evaluation {
  // Sources of a P that is not known here are a tree all the same.
  const program = lossOnly(objective, initialParams as Tree<TensorSource>);
  return evaluationOf(state => compile(program, { params: frozen, state, inputs: objective.inputs }, options));
}
