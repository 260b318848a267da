/** Byte-pair merging: "repeatedly merge the pair of lowest rank, all its occurrences at once" (Sennrich et al. 2016). */

/** One key for a pair of symbols; no symbol contains a blank. */
export function pairKey(left: string, right: string): string {
  return `${left} ${right}`;
}

/** `symbols` with every occurrence of the pair joined, scanning from the left. */
export function mergePair(symbols: readonly string[], left: string, right: string): string[] {
  const merged: string[] = [];
  for (let i = 0; i < symbols.length; i++) {
    const symbol = symbols[i]!;
    if (symbol === left && symbols[i + 1] === right) {
      merged.push(left + right);
      i++;
    } else {
      merged.push(symbol);
    }
  }
  return merged;
}

/** Merges `symbols` until no pair has a rank. `ranks` maps {@link pairKey} to the pair's place in the list of merges. */
export function applyMerges(symbols: readonly string[], ranks: ReadonlyMap<string, number>): string[] {
  let current = [...symbols];
  while (current.length > 1) {
    let best = Number.POSITIVE_INFINITY;
    let at = -1;
    for (let i = 0; i + 1 < current.length; i++) {
      const rank = ranks.get(pairKey(current[i]!, current[i + 1]!));
      if (rank !== undefined && rank < best) {
        best = rank;
        at = i;
      }
    }
    if (at < 0) break;
    current = mergePair(current, current[at]!, current[at + 1]!);
  }
  return current;
}
