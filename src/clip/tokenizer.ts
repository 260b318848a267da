/**
 * CLIP's byte-level BPE tokenizer over any vocabulary and list of merges (OpenAI's, or a small one of our own).
 * A symbol that merging produced but the vocabulary lacks falls back to its bytes, so every text has ids.
 */
import { DuetError } from '../core/errors.ts';
import type { HostTensor } from '../core/host-tensor.ts';
import { PairMerger } from '../core/pair-merger.ts';
import { byteSymbols, fromByteSymbols, toByteSymbols } from './byte-symbols.ts';
import type { TokenizerData } from './tokenizer-file.ts';
import { endOfWord, splitText } from './tokenizer-text.ts';

/** Words whose ids are remembered; longer ones seldom come again. */
const cacheLimit = 10_000;
const longestCached = 256;

/** A framed text stands between a start and an end token. */
export const frameTokens = 2;

export interface Tokenizer {
  readonly vocabularySize: number;
  readonly startId: number;
  readonly endId: number;
  readonly padId: number;
  /** Ids of the text alone, without start and end. */
  encode(text: string): number[];
  /** start + ids + end, cut to `length` (the end token is kept) and padded to it. */
  frame(text: string, length: number): Int32Array;
  /** Framed texts as one int32 tensor [B, length]. */
  frameBatch(texts: readonly string[], length: number): HostTensor;
  /** The text of `ids`: special tokens are left out, what follows the first end token too. */
  decode(ids: Iterable<number>): string;
  /** The words of the texts that the model was trained on, if that is known. */
  readonly knownWords: readonly string[] | undefined;
  /** Words of `text` (cleaned) that were not in the texts the model was trained on, each once; [] if that is not known. */
  unknownWords(text: string): string[];
}

/**
 * A tokenizer from its data.
 * @throws DuetError `invalid-config` if the vocabulary lacks a special token, or a byte while there is no token for unknown ones.
 */
export function createTokenizer(data: TokenizerData): Tokenizer {
  const vocab = new Map(Object.entries(data.vocab));
  const symbols = new Map([...vocab].map(([symbol, id]) => [id, symbol]));
  const merger = new PairMerger(data.merges.flatMap(pairOf));
  const special = { start: idOf(vocab, data.special.start), end: idOf(vocab, data.special.end) };
  const padId = idOf(vocab, data.special.pad);
  const specials = [...new Set([data.special.start, data.special.end])];
  const suffix = data.style === 'clip' ? endOfWord : '';
  const known = data.words === undefined ? undefined : new Set(data.words);
  const cache = new Map<string, readonly number[]>();
  const unknownId = data.special.unknown === undefined ? undefined : idOf(vocab, data.special.unknown);
  const byteId = (byte: string): number => vocab.get(byte) ?? unknownId ?? idOf(vocab, byte);
  for (const byte of byteSymbols) byteId(byte);

  const symbolIds = (symbol: string): number[] => {
    const id = vocab.get(symbol);
    if (id !== undefined) return [id];
    const ends = suffix !== '' && symbol.endsWith(suffix);
    const bytes = Array.from(ends ? symbol.slice(0, -suffix.length) : symbol, byteId);
    const end = ends ? vocab.get(suffix) : undefined;
    return end === undefined ? bytes : [...bytes, end];
  };

  const pieceIds = (piece: string): readonly number[] => {
    if (specials.includes(piece)) return [idOf(vocab, piece)];
    const cached = cache.get(piece);
    if (cached) return cached;
    const bytes = [...toByteSymbols(piece)];
    bytes[bytes.length - 1] += suffix;
    const ids = merger.merge(bytes).flatMap(symbolIds);
    if (piece.length > longestCached) return ids;
    if (cache.size >= cacheLimit) cache.clear();
    cache.set(piece, ids);
    return ids;
  };

  const encode = (text: string): number[] => splitText(text, data.style, specials).flatMap(pieceIds);

  const frame = (text: string, length: number): Int32Array => {
    if (!Number.isInteger(length) || length < frameTokens) {
      throw new DuetError(
        'invalid-argument',
        `A framed text has an integer length of at least ${frameTokens}, got ${length}`,
      );
    }
    const framed = new Int32Array(length).fill(padId);
    const ids = encode(text).slice(0, length - frameTokens);
    framed.set([special.start, ...ids, special.end]);
    return framed;
  };

  const decode = (ids: Iterable<number>): string => {
    let joined = '';
    for (const id of ids) {
      if (id === special.end && special.end !== special.start) break;
      if (id === special.start || id === special.end) continue;
      joined += symbols.get(id) ?? '';
    }
    if (suffix === '') return fromByteSymbols(joined);
    return joined.split(suffix).map(fromByteSymbols).join(' ').trim();
  };

  return {
    vocabularySize: Math.max(...vocab.values()) + 1,
    startId: special.start,
    endId: special.end,
    padId,
    encode,
    frame,
    frameBatch: (texts, length) => {
      const rows = new Int32Array(texts.length * length);
      texts.forEach((text, row) => {
        rows.set(frame(text, length), row * length);
      });
      return { dtype: 'int32', shape: [texts.length, length], data: rows };
    },
    decode,
    knownWords: data.words,
    unknownWords: text => {
      if (known === undefined) return [];
      const pieces = splitText(text, data.style, specials).map(piece => piece.trim());
      return [...new Set(pieces)].filter(piece => !known.has(piece) && /[^\s\p{P}]/u.test(piece));
    },
  };
}

/** The two symbols of a line of merges; a line that is no pair merges nothing. */
function pairOf(line: string): readonly (readonly [left: string, right: string])[] {
  const [left, right, ...more] = line.split(' ');
  return left && right && more.length === 0 ? [[left, right]] : [];
}

function idOf(vocab: ReadonlyMap<string, number>, symbol: string): number {
  const id = vocab.get(symbol);
  if (id !== undefined) return id;
  throw new DuetError('invalid-config', `The tokenizer's vocabulary has no entry for "${symbol}"`);
}
