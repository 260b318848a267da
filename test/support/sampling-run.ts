/** Small sampling runs for tests: a request with changes, and all that a run asks of a network that is a function. */

import type { LatentShapes } from '../../src/pipelines/unidiffuser/sampling/latents.ts';
import type { Evaluation, Prediction } from '../../src/pipelines/unidiffuser/sampling/passes.ts';
import { seededNoise } from '../../src/pipelines/unidiffuser/sampling/run-noise.ts';
import { type EvaluationRequest, type Sampled, sampleRun } from '../../src/pipelines/unidiffuser/sampling/sample.ts';
import type { SampleRequest } from '../../src/pipelines/unidiffuser/sampling/sample-request.ts';
import { cosine } from '../../src/sampler/schedule.ts';

export const shapes: LatentShapes = { z: [2, 2, 2], c: [1, 3], y: [2, 2] };

export function requestOf(changes: Partial<SampleRequest>): SampleRequest {
  return {
    mode: 't2i',
    shapes,
    schedule: cosine(),
    prediction: 'v',
    solver: { kind: 'dpm-multistep' },
    steps: 4,
    noise: seededNoise(1, shapes),
    ...changes,
  };
}

/** Runs to the end and keeps the requests. */
export function runWith(
  network: (evaluation: Evaluation) => Prediction,
  request: SampleRequest,
): { requests: EvaluationRequest[]; sample: Sampled } {
  const run = sampleRun(request);
  const requests: EvaluationRequest[] = [];
  let turn = run.next();
  while (!turn.done) {
    requests.push(turn.value);
    turn = run.next(turn.value.evaluations.map(network));
  }
  return { requests, sample: turn.value };
}
