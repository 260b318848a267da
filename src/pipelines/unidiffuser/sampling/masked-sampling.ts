/**
 * Masked sampling: values of a part that are known in advance stay, the others are sampled around them. At every step the
 * known values carry the noise of the current level, as in the replacement method of Song et al. (arXiv 2011.13456,
 * appendix I.2) and RePaint (Lugmayr et al., arXiv 2201.09865), but with one noise for all steps: the
 * estimates that the solver receives are replaced by the known values there, so that every solver moves them along the
 * straight line from their noise to themselves.
 */
import { DuetError } from '../../../core/errors.ts';
import { sizeOf } from '../../../core/host-tensor.ts';
import { addNoise, type Estimate } from '../../../sampler/prediction.ts';
import type { NoiseLevel } from '../../../sampler/schedule.ts';
import { type LatentShapes, type Packing, type Part, parts } from './latents.ts';

export interface KnownPart {
  /** The data, of the size of the part; used where the mask is not 0. */
  readonly values: Float32Array;
  /** Of the same size; 0 where it is sampled, anything else where it is known. */
  readonly mask: Uint8Array;
}

export type KnownValues = Readonly<Partial<Record<Part, KnownPart>>>;

/** How a stage treats known values; without any it changes nothing. */
export interface KnownRegion {
  /** The first state: `x`, or `noise` where there is nothing else to start from. */
  start(noise: Float32Array, level: NoiseLevel, x?: Float32Array): Float32Array;
  /** The estimate with the known values in place of the network's. */
  correct(x: Float32Array, level: NoiseLevel, estimate: Estimate): Estimate;
  /** The last state, with the known values exactly. */
  end(x: Float32Array): Float32Array;
}

export function knownRegionOf(packing: Packing, kept: KnownValues | undefined, shapes: LatentShapes): KnownRegion {
  if (!kept || !packing.parts.some(part => kept[part]))
    return { start: (noise, _l, x = noise) => x, correct: (_x, _l, e) => e, end: x => x };
  const all = (part: Part) => kept[part]?.values ?? new Float32Array(sizeOf(shapes[part]));
  const data = packing.pack({ z: all('z'), c: all('c'), y: all('y') });
  const flag = (part: Part) => Float32Array.from(kept[part]?.mask ?? new Uint8Array(sizeOf(shapes[part])));
  const mask = packing.pack({ z: flag('z'), c: flag('c'), y: flag('y') });
  const choose = (known: Float32Array, sampled: Float32Array) =>
    sampled.map((value, i) => (mask[i] ? known[i]! : value));
  return {
    start: (noise, level, x = noise) => choose(addNoise(data, noise, level), x),
    correct(x, { alpha, sigma }, { x0, eps }) {
      const noise = x.map((value, i) => (value - alpha * data[i]!) / sigma);
      return { x0: choose(data, x0), eps: choose(noise, eps) };
    },
    end: x => choose(data, x),
  };
}

/** Throws unless the known values have the sizes of their parts. */
export function checkKnown(kept: KnownValues, shapes: LatentShapes): void {
  for (const part of parts) {
    const size = sizeOf(shapes[part]);
    const own = kept[part];
    if (!own || (own.values.length === size && own.mask.length === size)) continue;
    const got = `${own.values.length} values and a mask of ${own.mask.length}`;
    throw new DuetError('invalid-argument', `known.${part} must fill [${shapes[part].join(', ')}], got ${got}`);
  }
}
