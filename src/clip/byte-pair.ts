/** Pairs of symbols as byte-pair encoding learns them (Sennrich et al. 2016, arXiv 1508.07909, algorithm 1). */

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
