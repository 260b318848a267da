/**
 * Spherical interpolation (Shoemake, SIGGRAPH 1985): along the arc between two vectors. The result
 * has the length of noise, whereas linear interpolation gives vectors that are shorter than noise of that dimension.
 */
import { weightedSum } from './weighted-sum.ts';

/** Closer to parallel than this, the arc is a straight line for all purposes; opposite vectors have no arc of their own. */
const leastSine = 1e-3;

/** From `a` (fraction 0, exactly) to `b` (fraction 1, exactly); the length changes with the angle. */
export function slerp(a: Float32Array, b: Float32Array, fraction: number): Float32Array {
  if (fraction === 0) return a.slice();
  if (fraction === 1) return b.slice();
  const cosine = dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b));
  const angle = Math.acos(Math.min(1, Math.max(-1, cosine)));
  const sine = Math.sin(angle);
  if (!(sine > leastSine)) return weightedSum([1 - fraction, a], [fraction, b]);
  return weightedSum([Math.sin((1 - fraction) * angle) / sine, a], [Math.sin(fraction * angle) / sine, b]);
}

function dot(a: Float32Array, b: Float32Array): number {
  return a.reduce((sum, value, i) => sum + value * b[i]!, 0);
}
