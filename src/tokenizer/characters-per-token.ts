/** How much of a text one token can stand for: a text that cannot fit a model is refused before it is encoded. */
import { byteToken } from './byte-pair-model.ts';
import { byteSymbols } from './decode-tokens.ts';

/** What is read of a tokenizer.json that is known to be one. */
interface TokenizerJson {
  readonly normalizer?: unknown;
  readonly pre_tokenizer?: unknown;
  readonly added_tokens?: readonly { readonly content: string }[];
  readonly model: object;
}

/** A normalizer or pre-tokenizer, as far as some kind has the field. */
interface PartJson {
  readonly type: string;
  readonly normalizers?: readonly PartJson[];
  readonly pretokenizers?: readonly PartJson[];
  readonly pattern?: { readonly String?: string };
  readonly content?: string;
  readonly behavior?: string;
  readonly invert?: boolean;
}
type Part = PartJson | null | undefined;

interface ModelJson {
  readonly type?: string;
  readonly vocab: Readonly<Record<string, number>>;
  readonly merges: readonly (string | readonly string[])[];
  readonly byte_fallback?: boolean;
}

/**
 * Most UTF-16 units of a text that one of its tokens stands for, white space not counted (some tokens take it along). Infinity where there
 * is no such number, or none that is certain: where characters may be left out, composed, or unknown together.
 */
export function charactersPerToken({ added_tokens: added = [], ...json }: TokenizerJson): number {
  const [normalizer, split, model] = [json.normalizer as Part, json.pre_tokenizer as Part, json.model as ModelJson];
  if (!keepsLength(normalizer) || !keepsAll(split) || !knowsAll(model, hasByteLevel(split))) {
    return Number.POSITIVE_INFINITY;
  }
  const tokens = [...Object.keys(model.vocab), ...added.map(({ content }) => content)];
  return tokens.reduce((longest, { length }) => Math.max(longest, length), 1);
}

function keepsLength(normalizer: Part): boolean {
  if (!normalizer) return true;
  const { type, normalizers, pattern, content = '' } = normalizer;
  if (type === 'Sequence') return normalizers?.every(keepsLength) ?? false;
  if (type === 'Replace') return pattern?.String !== undefined && content.trim().length >= pattern.String.length;
  return type === 'Prepend';
}

function keepsAll(split: Part): boolean {
  if (!split) return true;
  const { type, pretokenizers, behavior = '', invert } = split;
  if (type === 'Sequence') return pretokenizers?.every(keepsAll) ?? false;
  if (type === 'Split') return behavior.toLowerCase() === 'isolated' && !invert;
  return ['ByteLevel', 'Metaspace', 'Digits'].includes(type);
}

function hasByteLevel(split: Part): boolean {
  return split?.type === 'ByteLevel' || (split?.pretokenizers?.some(hasByteLevel) ?? false);
}

/** Whether byte pairs make known tokens of every text. */
function knowsAll({ type = 'BPE', vocab, merges, byte_fallback: fallsBack }: ModelJson, ofBytes: boolean): boolean {
  if (type !== 'BPE') return false;
  const isKnown = (token: string) => Object.hasOwn(vocab, token);
  if (fallsBack && Array.from({ length: 256 }, (_, byte) => byteToken(byte)).every(isKnown)) return true;
  const made = merges.map(pair => (typeof pair === 'string' ? pair.split(' ', 2) : pair).join(''));
  return ofBytes && byteSymbols.every(isKnown) && made.every(isKnown);
}
