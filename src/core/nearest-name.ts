/** Suggestions for names that do not exist. */

/**
 * The name nearest to `name` by edit distance (Levenshtein 1966), if it is near at all. Case, hyphens and underscores
 * do not count.
 */
export function nearestName(name: string, names: readonly string[]): string | undefined {
  const given = plain(name);
  const [nearest] = names
    .map(known => ({ known, distance: distance(given, plain(known)) }))
    .filter(({ known, distance: steps }) => steps <= Math.max(2, known.length / 3))
    .sort((a, b) => a.distance - b.distance);
  return nearest?.known;
}

function plain(name: string): string {
  return name.toLowerCase().replace(/[-_]/g, '');
}

function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (const [i, letter] of [...a].entries()) {
    const next = [i + 1];
    for (const [j, other] of [...b].entries()) {
      next.push(Math.min(next[j]! + 1, row[j + 1]! + 1, row[j]! + (letter === other ? 0 : 1)));
    }
    row = next;
  }
  return row.at(-1)!;
}
