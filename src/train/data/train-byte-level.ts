/**
 * Training a tokenizer of byte-level pairs for a small language model (Radford et al. 2019, "Language Models are Unsupervised
 * Multitask Learners", section 2.2), as the tokenizer.json that Hugging Face's library reads: bytes, then every merge, then
 * special tokens.
 */
import {
  byteSymbols,
  type CountedWord,
  mergePair,
  mostFrequentPair,
  splitText,
  toByteSymbols,
} from '../../clip/index.ts';
import { DuetError } from '../../core/errors.ts';

export interface ByteLevelOptions {
  /** Most ids, special ones among them. */
  readonly vocabularySize: number;
  /** Tokens behind all others, in this order. */
  readonly special: readonly string[];
  /** Words that come up less often are left as bytes. @default 2 */
  readonly minCount?: number;
}

/** What a tokenizer.json holds, as far as it is written here. */
export interface ByteLevelTokenizer {
  readonly version: '1.0';
  readonly added_tokens: readonly {
    readonly id: number;
    readonly content: string;
    readonly special: true;
    readonly single_word: false;
    readonly lstrip: false;
    readonly rstrip: false;
    readonly normalized: false;
  }[];
  readonly normalizer: null;
  readonly pre_tokenizer: { readonly type: 'ByteLevel'; readonly add_prefix_space: false; readonly use_regex: true };
  readonly post_processor: null;
  readonly decoder: { readonly type: 'ByteLevel' };
  readonly model: {
    readonly type: 'BPE';
    readonly vocab: Readonly<Record<string, number>>;
    readonly merges: readonly (readonly [string, string])[];
  };
}

/**
 * Learns merges until every word is one token or the vocabulary is full. Deterministic: ties go to the pair that sorts first.
 * @throws DuetError 'invalid-argument' if the vocabulary has no room for bytes and special tokens
 */
export function trainByteLevel(
  texts: Iterable<string>,
  { vocabularySize, special, minCount = 2 }: ByteLevelOptions,
): ByteLevelTokenizer {
  const room = vocabularySize - byteSymbols.length - special.length;
  if (!Number.isSafeInteger(vocabularySize) || room < 0) {
    throw new DuetError(
      'invalid-argument',
      `vocabularySize must be a whole number of at least ${byteSymbols.length + special.length}, got ${vocabularySize}`,
    );
  }
  const words = countWords(texts, minCount);
  const merges: [string, string][] = [];
  const learned = new Set<string>();
  while (learned.size < room) {
    const pair = mostFrequentPair(words);
    if (!pair) break;
    merges.push(pair);
    learned.add(pair.join(''));
    for (const word of words) word.symbols = mergePair(word.symbols, ...pair);
  }
  const tokens = [...byteSymbols, ...learned];
  return {
    version: '1.0',
    added_tokens: special.map((content, index) => ({
      id: tokens.length + index,
      content,
      special: true,
      single_word: false,
      lstrip: false,
      rstrip: false,
      normalized: false,
    })),
    normalizer: null,
    pre_tokenizer: { type: 'ByteLevel', add_prefix_space: false, use_regex: true },
    post_processor: null,
    decoder: { type: 'ByteLevel' },
    model: { type: 'BPE', vocab: Object.fromEntries(tokens.map((token, id) => [token, id])), merges },
  };
}

function countWords(texts: Iterable<string>, minCount: number): CountedWord[] {
  const counts = new Map<string, number>();
  for (const text of texts) {
    for (const piece of splitText(text, 'gpt2', [])) counts.set(piece, (counts.get(piece) ?? 0) + 1);
  }
  return [...counts]
    .filter(([, count]) => count >= minCount)
    .map(([piece, count]) => ({ symbols: [...toByteSymbols(piece)], count }));
}
