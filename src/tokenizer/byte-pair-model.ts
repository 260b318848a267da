/** Byte-pair encoding (Sennrich et al. 2016, arXiv 1508.07909) of pieces of a text, as Hugging Face's tokenizers do it. */
import { PairMerger } from '../core/pair-merger.ts';
import type { PieceModel } from './piece-model.ts';

/** As a tokenizer.json describes it. */
export interface BytePairJson {
  readonly vocab: Readonly<Record<string, number>>;
  /** "left right" or, in newer files, the two. */
  readonly merges: readonly (string | readonly string[])[];
  readonly unk_token?: string | null;
  /** Unknown characters side by side are one token. */
  readonly fuse_unk?: boolean;
  /** Unknown characters are the tokens of their bytes. */
  readonly byte_fallback?: boolean;
  /** A piece that is a token needs no merges to become one. */
  readonly ignore_merges?: boolean;
  readonly end_of_word_suffix?: string | null;
}

const encoder = new TextEncoder();

/** Pieces whose tokens are remembered; longer ones seldom come again. */
const mostRemembered = 10_000;
const longestRemembered = 256;

export function bytePairModel(json: BytePairJson): PieceModel {
  const { unk_token: unknown, fuse_unk: fuses, byte_fallback: hasBytes, ignore_merges: takesWhole } = json;
  const vocabulary = new Set(Object.keys(json.vocab));
  const suffix = json.end_of_word_suffix ?? '';
  const merger = new PairMerger(json.merges.map(pairOf));
  const remembered = new Map<string, readonly string[]>();

  const bytesOf = (symbol: string): readonly string[] | undefined => {
    const bytes = Array.from(encoder.encode(symbol), byteToken);
    return bytes.every(byte => vocabulary.has(byte)) ? bytes : undefined;
  };
  const merged = (piece: string): readonly string[] => {
    const symbols = Array.from(piece);
    if (symbols.length > 0) symbols[symbols.length - 1] += suffix;
    const tokens: string[] = [];
    for (const symbol of merger.merge(symbols)) {
      const bytes = hasBytes && !vocabulary.has(symbol) ? bytesOf(symbol) : undefined;
      if (bytes) tokens.push(...bytes);
      else if (vocabulary.has(symbol)) tokens.push(symbol);
      else if (typeof unknown === 'string' && !(fuses && tokens.at(-1) === unknown)) tokens.push(unknown);
    }
    return tokens;
  };
  const tokensOf = (piece: string): readonly string[] => {
    if (takesWhole && vocabulary.has(piece)) return [piece];
    const old = remembered.get(piece);
    if (old) return old;
    const tokens = merged(piece);
    if (piece.length > longestRemembered) return tokens;
    if (remembered.size >= mostRemembered) remembered.clear();
    remembered.set(piece, tokens);
    return tokens;
  };
  return pieces => pieces.flatMap(tokensOf);
}

function pairOf(merge: string | readonly string[]): readonly [string, string] {
  const [left = '', right = ''] = typeof merge === 'string' ? merge.split(' ', 2) : merge;
  return [left, right];
}

/** The token of a byte, where unknown characters are the tokens of their bytes. */
export function byteToken(byte: number): string {
  return `<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`;
}
