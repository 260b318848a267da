/**
 * The noise of one sampling run, from its own seed alone: whatever else is sampled beside it, the run is the same.
 * Numbers are drawn in the order of the original: z, c and y at the start of a run in every mode; then at each evaluation
 * the ignored parts in that order.
 */

import { createGenerator, type NoiseGenerator } from '../../../sampler/noise/generator.ts';
import { type LatentShapes, type Latents, mapParts, type Part } from './latents.ts';

export interface RunNoise {
  /** Initial noise of all parts; called once at the start of each run of a chain. */
  start(): Latents;
  /** Noise that stands for an ignored part at evaluation number `evaluation` of the run. */
  ignored(part: Part, evaluation: number): Float32Array;
  /** What a stochastic solver adds, `length` standard normal values. */
  step(length: number): Float32Array;
}

/** Noise from a seed, or from a generator that has been drawn from already. */
export function seededNoise(seed: number | NoiseGenerator, shapes: LatentShapes): RunNoise {
  const generator = typeof seed === 'number' ? createGenerator(seed) : seed;
  return {
    start: () => mapParts(part => generator.randn(shapes[part])),
    ignored: part => generator.randn(shapes[part]),
    step: length => generator.randn(length),
  };
}
