/** Latents to and from the unit variance in which the U-ViT works. */
import type { LatentStatistics } from '../model-config.ts';

/** (x - mean) / std; channel k covers `inner` neighbouring values, then comes the next one, round and round. */
export function normaliseLatent(values: Float32Array, { mean, std }: LatentStatistics, inner: number): Float32Array {
  return values.map((value, i) => {
    const channel = Math.floor(i / inner) % mean.length;
    return (value - mean[channel]!) / std[channel]!;
  });
}

/** The inverse of `normaliseLatent`. */
export function denormaliseLatent(values: Float32Array, { mean, std }: LatentStatistics, inner: number): Float32Array {
  return values.map((value, i) => {
    const channel = Math.floor(i / inner) % mean.length;
    return value * std[channel]! + mean[channel]!;
  });
}
