/**
 * Rescaling of guided predictions (Lin et al., arXiv 2305.08891, section 3.4): guidance raises the deviation of a prediction,
 * which overexposes pictures of schedules that begin in pure noise. The guided prediction gets the deviation of the
 * conditional one, as far as `share` says.
 */

/** `share` of the rescaled prediction and the rest of the guided one; share 0 changes nothing. */
export function rescaleGuided(guided: Float32Array, conditional: Float32Array, share: number): Float32Array {
  if (share === 0) return guided;
  const factor = share * (deviation(conditional) / deviation(guided)) + (1 - share);
  return guided.map(value => value * factor);
}

/** The standard deviation of a sample, with n - 1 degrees of freedom as torch computes it. */
function deviation(values: Float32Array): number {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  return Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (values.length - 1));
}
