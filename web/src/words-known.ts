/** Words that the model knows, beside those that a person writes. Pure. */

/** Where `word` stands in `text` by itself, in any case. */
export function placesOf(word: string, text: string): readonly (readonly [start: number, end: number])[] {
  const pattern = new RegExp(`(?<![\\p{L}\\p{N}])${escaped(word)}(?![\\p{L}\\p{N}])`, 'giu');
  return [...text.matchAll(pattern)].map(match => [match.index, match.index + match[0].length] as const);
}

export interface MarkedPart {
  readonly text: string;
  readonly isMarked: boolean;
}

/** `text` in parts, of which those are marked that are one of `words`. */
export function markedParts(text: string, words: readonly string[]): readonly MarkedPart[] {
  const places = words.flatMap(word => placesOf(word, text)).sort(([a], [b]) => a - b);
  const parts: MarkedPart[] = [];
  let end = 0;
  for (const [from, to] of places) {
    if (from < end) continue;
    if (from > end) parts.push({ text: text.slice(end, from), isMarked: false });
    parts.push({ text: text.slice(from, to), isMarked: true });
    end = to;
  }
  return end < text.length ? [...parts, { text: text.slice(end), isMarked: false }] : parts;
}

const mostSuggestions = 3;

/** Known words that may have been meant: those that begin alike, or differ by little. The nearest first. */
export function suggestionsFor(word: string, vocabulary: readonly string[]): readonly string[] {
  const wanted = word.toLowerCase();
  const near = vocabulary.flatMap(known => {
    const distance = known.startsWith(wanted) ? 0 : editDistance(wanted, known);
    return distance <= Math.max(1, Math.floor(wanted.length / 3)) ? [[known, distance] as const] : [];
  });
  return near
    .sort(([a, x], [b, y]) => x - y || a.length - b.length)
    .slice(0, mostSuggestions)
    .map(([known]) => known);
}

/** `text` with `by` in place of a word. */
export function replaceWord(text: string, word: string, by: string): string {
  const [place] = placesOf(word, text);
  return place ? text.slice(0, place[0]) + by + text.slice(place[1]) : text;
}

/** `text` with a word more. */
export function addWord(text: string, word: string): string {
  return text === '' || /\s$/.test(text) ? text + word : `${text} ${word}`;
}

/** Levenshtein's: least insertions, deletions and replacements that make `b` of `a`. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (const [line, letter] of [...a].entries()) {
    const next = [line + 1];
    for (let index = 1; index <= b.length; index++) {
      const replaced = row[index - 1]! + (letter === b[index - 1] ? 0 : 1);
      next.push(Math.min(replaced, row[index]! + 1, next[index - 1]! + 1));
    }
    row = next;
  }
  return row[b.length]!;
}

function escaped(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}
