/** Evaluations as the tensors of one network call, named as the joint noise predictor names them, and its outputs. */
import { DuetError } from '../../../core/errors.ts';
import { float32, type HostTensor } from '../../../core/host-tensor.ts';
import { stackRows, unstackRows } from '../../../core/rows.ts';
import type { LatentShapes, Part } from './latents.ts';
import type { Evaluation, Prediction } from './passes.ts';

const names = { z: 'image', c: 'clipImage', y: 'text' } as const satisfies Record<Part, string>;

/** The tensors of one modality each: [B, ...shape of z], [B, ...shape of c], [B, ...shape of y]. */
export interface NetworkParts {
  readonly image: HostTensor;
  readonly clipImage: HostTensor;
  readonly text: HostTensor;
}

/** What the network is given: parts, float32 times [B] and, if the runs have one, int32 data types [B]. */
export interface NetworkInputs extends NetworkParts {
  readonly imageTime: HostTensor;
  readonly textTime: HostTensor;
  readonly dataType?: HostTensor;
}

/** One row per evaluation. Either all evaluations have a data type or none. */
export function stackEvaluations(evaluations: readonly Evaluation[], shapes: LatentShapes): NetworkInputs {
  const rows = evaluations.length;
  const stack = (part: Part): HostTensor =>
    stackRows(
      evaluations.map(evaluation => evaluation[part]),
      shapes[part],
    );
  const parts = { image: stack('z'), clipImage: stack('c'), text: stack('y') };
  const imageTime = float32(
    [rows],
    Float32Array.from(evaluations, ({ tImage }) => tImage),
  );
  const textTime = float32(
    [rows],
    Float32Array.from(evaluations, ({ tText }) => tText),
  );
  const types = evaluations.flatMap(({ dataType }) => (dataType === undefined ? [] : [dataType]));
  if (types.length === 0) return { ...parts, imageTime, textTime };
  if (types.length < rows) {
    throw new DuetError('invalid-argument', 'Runs with and without a data type cannot share a network call');
  }
  return { ...parts, imageTime, textTime, dataType: { dtype: 'int32', shape: [rows], data: Int32Array.from(types) } };
}

/** One prediction per row of the network's outputs (float32, shaped as its inputs), as views of them. */
export function unstackPredictions(outputs: Readonly<Record<keyof NetworkParts, HostTensor>>): Prediction[] {
  const rowsOf = (part: Part): Float32Array[] => {
    const output = outputs[names[part]];
    if (output.data instanceof Float32Array) return unstackRows(output);
    throw new DuetError('invalid-argument', `The network's ${names[part]} must be float32, got ${output.dtype}`);
  };
  const [z, c, y] = [rowsOf('z'), rowsOf('c'), rowsOf('y')];
  return z.map((_, row) => ({ z: z[row]!, c: c[row]!, y: y[row]! }));
}
