/** Rows of different sizes in calls of one size each. */

/** Latent pixels in one call of a network, whatever their number of pictures: four pictures of 512 x 512, guided. */
export const mostArea = 8 * 64 * 64;

export interface Sized {
  readonly height: number;
  readonly width: number;
}

/**
 * Computes one result for each row, in order: rows of one size share calls of at most `mostArea` height x width in all, but
 * of at least one row.
 */
export async function bySize<T, U>(
  rows: readonly T[],
  sizeOf: (row: T) => Sized,
  mostArea: number,
  call: (rows: readonly T[], size: Sized) => Promise<readonly U[]>,
): Promise<U[]> {
  const groups = new Map<string, number[]>();
  for (const [index, row] of rows.entries()) {
    const { height, width } = sizeOf(row);
    const key = `${height}x${width}`;
    groups.set(key, [...(groups.get(key) ?? []), index]);
  }
  const results: U[] = [];
  for (const indices of groups.values()) {
    const size = sizeOf(rows[indices[0]!]!);
    const most = Math.max(1, Math.floor(mostArea / (size.height * size.width)));
    for (let start = 0; start < indices.length; start += most) {
      const part = indices.slice(start, start + most);
      const answers = await call(
        part.map(index => rows[index]!),
        size,
      );
      for (const [k, index] of part.entries()) results[index] = answers[k]!;
    }
  }
  return results;
}
