/**
 * Training a small CLIP-style tokenizer on captions. Unlike OpenAI's vocabulary, intermediate merges that no training
 * word ends up with get no id: a language of a few hundred words then needs few more ids than words.
 */
import { DuetError } from '../core/errors.ts';
import { mergePair, pairKey } from './byte-pair.ts';
import { byteSymbols, toByteSymbols } from './byte-symbols.ts';
import type { TokenizerData } from './tokenizer-file.ts';
import { endOfWord, splitText } from './tokenizer-text.ts';

const special = { start: '<|startoftext|>', end: '<|endoftext|>', pad: '<|endoftext|>' } as const;

/** A word as the symbols that it is made of at the time, and how often it comes up. */
export interface CountedWord {
  symbols: readonly string[];
  readonly count: number;
}

/**
 * Learns merges until every word of `captions` is one token or the vocabulary is full.
 * Ids: 256 bytes, the end-of-word mark, the symbols in use (most frequent first), start, end: the end token has the
 * largest id, as CLIP's pooling rule wants. Deterministic: ties go to the pair that sorts first.
 * @param options.vocabularySize upper bound of the number of ids, at least 259
 */
export function trainTokenizer(
  captions: Iterable<string>,
  options: { readonly vocabularySize: number },
): TokenizerData {
  const fixed = byteSymbols.length + 1 + 2;
  const { vocabularySize } = options;
  if (!Number.isInteger(vocabularySize) || vocabularySize < fixed) {
    throw new DuetError(
      'invalid-argument',
      `vocabularySize must be an integer of at least ${fixed}, got ${vocabularySize}`,
    );
  }
  const counts = countPieces(captions);
  const words = toWords(counts);
  const merges: string[] = [];
  let best = { merges: 0, symbols: usedSymbols(words) };
  for (let pair = mostFrequentPair(words); pair !== undefined; pair = mostFrequentPair(words)) {
    const [left, right] = pair;
    merges.push(pairKey(left, right));
    for (const word of words) word.symbols = mergePair(word.symbols, left, right);
    const symbols = usedSymbols(words);
    // The number of symbols in use rises and falls; the longest list of merges that fits wins.
    if (symbols.length + fixed <= vocabularySize) best = { merges: merges.length, symbols };
  }
  const learned = best.symbols.length + fixed <= vocabularySize ? best.symbols : [];
  const symbols = [...byteSymbols, endOfWord, ...learned, special.start, special.end];
  return {
    style: 'clip',
    vocab: Object.fromEntries(symbols.map((symbol, id) => [symbol, id])),
    merges: merges.slice(0, best.merges),
    special: { ...special },
    words: [...counts.keys()].sort(),
  };
}

function countPieces(captions: Iterable<string>): Map<string, number> {
  const counts = new Map<string, number>();
  for (const caption of captions) {
    for (const piece of splitText(caption, 'clip', [])) counts.set(piece, (counts.get(piece) ?? 0) + 1);
  }
  return counts;
}

function toWords(counts: ReadonlyMap<string, number>): CountedWord[] {
  return [...counts].map(([piece, count]) => {
    const symbols = [...toByteSymbols(piece)];
    symbols[symbols.length - 1] += endOfWord;
    return { symbols, count };
  });
}

/** Symbols that need an id of their own, most frequent first: not the bare bytes. */
function usedSymbols(words: readonly CountedWord[]): string[] {
  const counts = new Map<string, number>();
  for (const { symbols, count } of words) {
    for (const symbol of symbols) if (symbol.length > 1) counts.set(symbol, (counts.get(symbol) ?? 0) + count);
  }
  return [...counts].sort(byCountThenName).map(([symbol]) => symbol);
}

/** The neighbouring symbols that come up most often; of several the pair that sorts first. */
export function mostFrequentPair(words: readonly CountedWord[]): [string, string] | undefined {
  const counts = new Map<string, number>();
  for (const { symbols, count } of words) {
    for (let i = 0; i + 1 < symbols.length; i++) {
      const key = pairKey(symbols[i]!, symbols[i + 1]!);
      counts.set(key, (counts.get(key) ?? 0) + count);
    }
  }
  let first: [string, number] | undefined;
  for (const entry of counts) if (first === undefined || byCountThenName(entry, first) < 0) first = entry;
  return first?.[0].split(' ') as [string, string] | undefined;
}

function byCountThenName(a: readonly [string, number], b: readonly [string, number]): number {
  return b[1] - a[1] || (a[0] < b[0] ? -1 : 1);
}
