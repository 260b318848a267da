/** The sum of weight times vector over `terms`, all of one length, computed in double precision. */
export function weightedSum(...terms: readonly (readonly [weight: number, vector: Float32Array])[]): Float32Array {
  const sum = new Float32Array(terms[0]?.[1].length ?? 0);
  for (let i = 0; i < sum.length; i++) {
    let value = 0;
    for (const [weight, vector] of terms) value += weight * vector[i]!;
    sum[i] = value;
  }
  return sum;
}
