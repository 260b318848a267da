/** The sum of weight times vector over `terms`, all of one length, computed in double precision. */
export function weightedSum(...terms: readonly (readonly [weight: number, vector: Float32Array])[]): Float32Array {
  const sum = new Float64Array(terms[0]?.[1].length ?? 0);
  for (const [weight, vector] of terms) {
    for (let i = 0; i < sum.length; i++) sum[i]! += weight * vector[i]!;
  }
  return new Float32Array(sum);
}
