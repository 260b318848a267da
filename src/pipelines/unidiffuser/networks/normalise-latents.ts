/** Latents to and from the unit variance in which the U-ViT works. */
import type { LatentStatistics } from '../model-config.ts';

/**
 * (x - mean) / std of the value x at flat index i; channel k covers `inner` neighbouring values, then comes the next one,
 * round and round.
 */
export function latentNormaliser({ mean, std }: LatentStatistics, inner: number): (x: number, i: number) => number {
  return (x, i) => {
    const channel = Math.floor(i / inner) % mean.length;
    return (x - mean[channel]!) / std[channel]!;
  };
}

/** {@link latentNormaliser} of every value. */
export function normaliseLatent(values: Float32Array, statistics: LatentStatistics, inner: number): Float32Array {
  return values.map(latentNormaliser(statistics, inner));
}

/** The inverse of `normaliseLatent`. */
export function denormaliseLatent(values: Float32Array, { mean, std }: LatentStatistics, inner: number): Float32Array {
  return values.map((value, i) => {
    const channel = Math.floor(i / inner) % mean.length;
    return value * std[channel]! + mean[channel]!;
  });
}
