/** Retrieval: how often the partner of a pair is among the k most similar of all, by cosine, both ways. */

function normalised(vector: Float32Array): Float32Array {
  let sum = 0;
  for (const value of vector) sum += value * value;
  const scale = sum === 0 ? 0 : 1 / Math.sqrt(sum);
  return vector.map(value => value * scale);
}

function dot(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i] as number) * (b[i] as number);
  return sum;
}

/**
 * The rank of each query's partner among all targets, 0 being the best; targets[i] is the partner of queries[i].
 * Ties count against the partner, and so does a similarity that is not a number.
 */
export function partnerRanks(queries: readonly Float32Array[], targets: readonly Float32Array[]): number[] {
  if (queries.length !== targets.length) throw new RangeError('Retrieval needs one target for each query');
  const to = targets.map(normalised);
  return queries.map((query, i) => {
    const from = normalised(query);
    const own = dot(from, to[i] as Float32Array);
    return to.filter((target, j) => j !== i && !(dot(from, target) < own)).length;
  });
}

/** How many ranks are below k: the successes of R@k. */
export function recalled(ranks: readonly number[], k: number): number {
  return ranks.filter(rank => rank < k).length;
}
