/**
 * Classifier-free guidance (Ho and Salimans, arXiv 2207.12598) in diffusers' convention: out = g cond + (1 - g) uncond.
 * g = 1 is no guidance; the scale s of the UniDiffuser paper (equation 7) is g - 1.
 */
import { weightedSum } from './weighted-sum.ts';

/** The guidance scale g, a number from 0 on. */
export type Guidance = number;

/** The guided prediction; without an unconditional prediction it is `conditional` itself. */
export function guide(conditional: Float32Array, unconditional: Float32Array | undefined, g: Guidance): Float32Array {
  if (!unconditional || g === 1) return conditional;
  return weightedSum([g, conditional], [1 - g, unconditional]);
}
