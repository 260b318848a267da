/** Evaluations as the tensors of a network call, and its outputs as predictions. */
import { DuetError } from '../core/errors.ts';
import { float32, type HostTensor, sizeOf } from '../core/host-tensor.ts';
import { type LatentShapes, mapParts, type Part } from './latents.ts';
import type { Evaluation, Prediction } from './sample.ts';

/** z [B, C, H, W], c [B, 1, D], y [B, L, D], times [B]. */
export interface NetworkBatch {
  readonly z: HostTensor;
  readonly c: HostTensor;
  readonly y: HostTensor;
  readonly tImage: HostTensor;
  readonly tText: HostTensor;
}

export function stackEvaluations(evaluations: readonly Evaluation[], shapes: LatentShapes): NetworkBatch {
  const stack = (part: Part): HostTensor => {
    const size = sizeOf(shapes[part]);
    const data = new Float32Array(evaluations.length * size);
    for (const [row, evaluation] of evaluations.entries()) data.set(evaluation[part], row * size);
    return float32([evaluations.length, ...shapes[part]], data);
  };
  const times = (key: 'tImage' | 'tText') =>
    float32(
      [evaluations.length],
      Float32Array.from(evaluations, evaluation => evaluation[key]),
    );
  return { ...mapParts(stack), tImage: times('tImage'), tText: times('tText') };
}

/** One prediction per row of the outputs z, c, y (float32, batch first, shaped as the inputs). */
export function unstackPredictions(outputs: Readonly<Record<Part, HostTensor>>): Prediction[] {
  const rows = outputs.z.shape[0] ?? 0;
  return Array.from({ length: rows }, (_, row) =>
    mapParts(part => {
      const { data } = outputs[part];
      if (!(data instanceof Float32Array)) {
        throw new DuetError(
          'invalid-argument',
          `A network's output "${part}" must be float32, got ${outputs[part].dtype}`,
        );
      }
      const size = data.length / rows;
      return data.slice(row * size, (row + 1) * size);
    }),
  );
}
