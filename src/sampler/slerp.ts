/**
 * Spherical interpolation (Shoemake, SIGGRAPH 1985): along the arc between two vectors. The result
 * has the length of noise, whereas linear interpolation gives vectors that are shorter than noise of that dimension.
 */
import { weightedSum } from './weighted-sum.ts';

/** Closer to parallel than this, the arc is a straight line for all purposes; opposite vectors have no arc of their own. */
const leastSine = 1e-3;

/** From `a` (share 0, exactly) to `b` (share 1, exactly); lengths change along with the angle. */
export function slerp(a: Float32Array, b: Float32Array, share: number): Float32Array {
  if (share === 0) return a.slice();
  if (share === 1) return b.slice();
  const cosine = dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b));
  const angle = Math.acos(Math.min(1, Math.max(-1, cosine)));
  const sine = Math.sin(angle);
  if (!(sine > leastSine)) return weightedSum([1 - share, a], [share, b]);
  return weightedSum([Math.sin((1 - share) * angle) / sine, a], [Math.sin(share * angle) / sine, b]);
}

function dot(a: Float32Array, b: Float32Array): number {
  return a.reduce((sum, value, i) => sum + value * b[i]!, 0);
}
