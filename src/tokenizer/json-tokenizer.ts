/**
 * Tokenizers of language models, from the tokenizer.json that Hugging Face's library writes: byte-level BPE (GPT-2, OPT, Llama 3),
 * BPE over SentencePiece's pieces with bytes for what they lack (Llama 1 and 2), SentencePiece's Unigram (T5) and WordPiece (BERT).
 * Most normalising and splitting is `@huggingface/tokenizers`'; the rest is ours, since the package differs there from the original
 * or is slow (docs/decisions/2026-11-27-tokenizers.md).
 */
import { Tokenizer as Pieces } from '@huggingface/tokenizers';
import Type from 'typebox';
import { Value } from 'typebox/value';
import { DuetError } from '../core/errors.ts';
import { type AddedToken, AddedTokenFinder } from './added-tokens.ts';
import { bertNormalizer, bertPreTokenizer } from './bert-text.ts';
import { bytePairModel } from './byte-pair-model.ts';
import { charactersPerToken } from './characters-per-token.ts';
import { type TokenDecoder, tokenDecoder } from './decode-tokens.ts';
import { type FrameIds, frameIds } from './frame-ids.ts';
import type { PieceModel } from './piece-model.ts';
import { precompiledNormalizer } from './precompiled.ts';
import { unigramModel } from './unigram-model.ts';
import { wordPieceModel } from './word-piece-model.ts';

const addedTokenSchema = Type.Object({
  id: Type.Integer({ minimum: 0 }),
  content: Type.String(),
  single_word: Type.Optional(Type.Boolean()),
  lstrip: Type.Optional(Type.Boolean()),
  rstrip: Type.Optional(Type.Boolean()),
  normalized: Type.Optional(Type.Boolean()),
  special: Type.Optional(Type.Boolean()),
});

const tokenizerSchema = Type.Object({
  added_tokens: Type.Optional(Type.Array(addedTokenSchema)),
  normalizer: Type.Optional(Type.Unknown()),
  pre_tokenizer: Type.Optional(Type.Unknown()),
  post_processor: Type.Optional(Type.Unknown()),
  decoder: Type.Optional(Type.Unknown()),
  /** Its kind is absent in files of before 2021. */
  model: Type.Object({ type: Type.Optional(Type.String()) }),
});

const pieceIds = Type.Record(Type.String(), Type.Integer({ minimum: 0 }));
const text = Type.Optional(Type.Union([Type.String(), Type.Null()]));
const flag = Type.Optional(Type.Boolean());
const modelSchemas = {
  BPE: Type.Object({
    vocab: pieceIds,
    merges: Type.Array(Type.Union([Type.String(), Type.Array(Type.String())])),
    unk_token: text,
    fuse_unk: flag,
    byte_fallback: flag,
    ignore_merges: flag,
    continuing_subword_prefix: text,
    end_of_word_suffix: text,
  }),
  WordPiece: Type.Object({
    vocab: pieceIds,
    unk_token: Type.String(),
    continuing_subword_prefix: Type.String(),
    max_input_chars_per_word: Type.Optional(Type.Integer({ minimum: 0 })),
  }),
  Unigram: Type.Object({
    /** Pieces and their log probabilities; a piece's place is its id. */
    vocab: Type.Array(Type.Tuple([Type.String(), Type.Number()]), { minItems: 1 }),
    unk_id: Type.Integer({ minimum: 0 }),
    byte_fallback: Type.Optional(Type.Boolean()),
  }),
} as const;

interface Vocabulary {
  readonly entries: readonly (readonly [piece: string, id: number])[];
  readonly unknown: string | undefined;
  readonly tokensOf: PieceModel;
}

/** Tokens that begin and end a text. */
export interface FrameTokens {
  readonly before: readonly string[];
  readonly behind: readonly string[];
}

type Normalizer = ((text: string) => string) | null;

/** What of the package is used: its parts, one by one. */
interface PackageParts {
  readonly normalizer: Normalizer;
  readonly pre_tokenizer: ((text: string, options: { readonly section_index: number }) => string[]) | null;
}

export interface EncodeOptions {
  /** Whether the ids that begin and end a text are added. @default true */
  readonly framed?: boolean;
}

export interface DecodeOptions {
  /** Whether special tokens are left out. @default false */
  readonly skipSpecial?: boolean;
}

export class JsonTokenizer {
  /** Ids that are put around a text. */
  readonly frame: FrameIds;
  readonly #normalizer: Normalizer;
  readonly #split: PackageParts['pre_tokenizer'];
  readonly #tokensOf: PieceModel;
  readonly #ids: ReadonlyMap<string, number>;
  readonly #tokens: ReadonlyMap<number, string>;
  readonly #unknownId: number | undefined;
  readonly #special: ReadonlySet<number>;
  readonly #plainFinder: AddedTokenFinder;
  readonly #normalisedFinder: AddedTokenFinder;
  readonly #decode: TokenDecoder;
  readonly #charactersPerToken: number;

  /**
   * @param json a parsed tokenizer.json, whatever it is
   * @param origin its path, for messages
   * @param frame tokens around a text. @default those of the file
   * @throws DuetError 'invalid-config'
   */
  constructor(json: unknown, origin: string, frame?: FrameTokens) {
    assertValid(tokenizerSchema, json, origin);
    const { added_tokens: added = [] } = json;
    const vocabulary = vocabularyOf(json.model, origin);
    this.#tokensOf = vocabulary.tokensOf;
    this.#normalizer = normalizerOf(json.normalizer, origin);
    this.#split = packageParts({ pre_tokenizer: supported(json.pre_tokenizer, origin) }, origin).pre_tokenizer;
    const tokens = added.map(
      (token): AddedToken => ({
        single_word: false,
        lstrip: false,
        rstrip: false,
        normalized: !token.special,
        special: false,
        ...token,
      }),
    );
    this.#ids = new Map([...vocabulary.entries, ...tokens.map(({ content, id }) => [content, id] as const)]);
    // Tokens that are found in normalised text are decoded as what was found there, and are then not known to be special.
    const shown = ({ content, normalized }: AddedToken) => (normalized ? this.#normalise(content) : content);
    this.#tokens = new Map([
      ...vocabulary.entries.map(([token, id]) => [id, token] as const),
      ...tokens.map(token => [token.id, shown(token)] as const),
    ]);
    this.#unknownId = vocabulary.unknown === undefined ? undefined : this.#ids.get(vocabulary.unknown);
    const isSpecial = (token: AddedToken) => token.special && shown(token) === token.content;
    this.#special = new Set(tokens.filter(isSpecial).map(({ id }) => id));
    const finder = (normalised: boolean) => {
      const own = tokens.filter(({ normalized }) => normalized === normalised);
      return new AddedTokenFinder(new Map(own.map(token => [shown(token), token])));
    };
    this.#plainFinder = finder(false);
    this.#normalisedFinder = finder(true);
    this.#decode = tokenDecoder(json.decoder, origin);
    this.#charactersPerToken = charactersPerToken(json);
    this.frame = frame ? this.#idsOfFrame(frame, origin) : frameIds(json.post_processor, origin);
  }

  /** One more than the largest id. */
  get vocabularySize(): number {
    let largest = -1;
    for (const id of this.#tokens.keys()) largest = Math.max(largest, id);
    return largest + 1;
  }

  /** The id of a token by its exact text. */
  idOf(token: string): number | undefined {
    return this.#ids.get(token);
  }

  isSpecial(id: number): boolean {
    return this.#special.has(id);
  }

  /** Whether `text` certainly has more than `most` tokens, which is known at once; `encode` finds the others that have. */
  exceeds(text: string, most: number): boolean {
    const enough = most * this.#charactersPerToken;
    return text.length > enough && text.replace(/\s+/g, '').length > enough;
  }

  encode(text: string, { framed = true }: EncodeOptions = {}): number[] {
    // A lone half of a surrogate pair is no character.
    const ids = this.#encodeText(text.toWellFormed());
    return framed ? [...this.frame.before, ...ids, ...this.frame.behind] : ids;
  }

  /** Ids that the vocabulary does not have mean nothing. */
  decode(ids: readonly number[], { skipSpecial = false }: DecodeOptions = {}): string {
    const kept = skipSpecial ? ids.filter(id => !this.#special.has(id)) : ids;
    return this.#decode(kept.flatMap(id => this.#tokens.get(id) ?? [])).join('');
  }

  #idsOfFrame({ before, behind }: FrameTokens, origin: string): FrameIds {
    const ids = (tokens: readonly string[]) =>
      tokens.map(token => {
        const id = this.#ids.get(token);
        if (id !== undefined) return id;
        throw new DuetError(
          'invalid-config',
          `${origin} lacks the token ${JSON.stringify(token)}, which begins or ends texts`,
        );
      });
    return { before: ids(before), behind: ids(behind) };
  }

  #encodeText(text: string): number[] {
    const ids: number[] = [];
    for (const [index, { text: outer, token: found }] of this.#plainFinder.split(text).entries()) {
      if (found) {
        ids.push(found.id);
        continue;
      }
      const sections = this.#normalisedFinder.split(this.#normalise(outer));
      for (const [place, { text: inner, token }] of sections.entries()) {
        if (token) ids.push(token.id);
        else if (inner !== '') this.#addPieceIds(inner, index + place, ids);
      }
    }
    return ids;
  }

  /** @param place 0 for what the whole text begins with: some tokenizers put a blank in front of that alone */
  #addPieceIds(text: string, place: number, ids: number[]): void {
    const pieces = this.#split ? this.#split(text, { section_index: place }) : [text];
    for (const token of this.#tokensOf(pieces)) {
      const id = this.#ids.get(token) ?? this.#unknownId;
      if (id !== undefined) ids.push(id);
    }
  }

  #normalise(text: string): string {
    return this.#normalizer?.(text) ?? text;
  }
}

/** @throws DuetError 'invalid-config' naming the place */
function assertValid<T extends Type.TSchema>(
  schema: T,
  json: unknown,
  origin: string,
  within = '',
): asserts json is Type.Static<T> {
  if (Value.Check(schema, json)) return;
  const [first] = Value.Errors(schema, json);
  const place = `${within}${first?.instancePath ?? ''}`.slice(1).replaceAll('/', '.') || 'the file';
  throw new DuetError('invalid-config', `${origin}: ${place} ${first?.message ?? 'is not valid'}`);
}

function vocabularyOf(model: { readonly type?: string }, origin: string): Vocabulary {
  const fail = (message: string): never => {
    throw new DuetError('invalid-config', `${origin}: ${message}`);
  };
  switch (model.type) {
    case undefined:
    case 'BPE': {
      assertValid(modelSchemas.BPE, model, origin, '/model');
      const { vocab, unk_token: unknown, continuing_subword_prefix: prefix } = model;
      if (prefix) fail('continuing_subword_prefix of BPE is not built');
      return { entries: Object.entries(vocab), unknown: unknown ?? undefined, tokensOf: bytePairModel(model) };
    }
    case 'WordPiece': {
      assertValid(modelSchemas.WordPiece, model, origin, '/model');
      const { vocab, unk_token: unknown } = model;
      return { entries: Object.entries(vocab), unknown, tokensOf: wordPieceModel(model) };
    }
    case 'Unigram': {
      assertValid(modelSchemas.Unigram, model, origin, '/model');
      const { vocab, unk_id: unknown, byte_fallback: fallsBack = false } = model;
      if (fallsBack) fail('byte_fallback of Unigram is not built');
      if (unknown >= vocab.length) fail(`model.unk_id must be one of ${vocab.length} pieces, got ${unknown}`);
      const entries = vocab.map(([piece], id) => [piece, id] as const);
      return { entries, unknown: vocab[unknown]![0], tokensOf: unigramModel(model) };
    }
    default:
      return fail(`the model of a tokenizer must be BPE, WordPiece or Unigram, got ${model.type}`);
  }
}

/** @throws DuetError 'invalid-config' where the package has no such part */
function packageParts(
  parts: { readonly normalizer?: unknown; readonly pre_tokenizer?: unknown },
  origin: string,
): PackageParts {
  const others = { added_tokens: [], post_processor: null, decoder: null };
  const model = { type: 'BPE', vocab: {}, merges: [] };
  try {
    // The parts are functions at run time, which their classes' types do not say.
    return new Pieces(
      { normalizer: null, pre_tokenizer: null, ...parts, ...others, model },
      {},
    ) as unknown as PackageParts;
  } catch (error) {
    throw new DuetError('invalid-config', `${origin}: ${error instanceof Error ? error.message : error}`, {
      cause: error,
    });
  }
}

/** The package's, but for those that differ from the original there. */
function normalizerOf(json: unknown, origin: string): Normalizer {
  if (typeof json !== 'object' || json === null) return null;
  const { type, normalizers, precompiled_charsmap: charsmap } = json as Record<string, unknown>;
  if (type === 'Sequence' && Array.isArray(normalizers)) {
    const all = normalizers.map(inner => normalizerOf(inner, origin));
    return text => all.reduce((current, normalise) => normalise?.(current) ?? current, text);
  }
  if (type === 'Precompiled') return precompiledNormalizer(charsmap, origin);
  if (type === 'BertNormalizer') return bertNormalizer(json);
  if (type === 'Strip') return stripNormalizer(json);
  return packageParts({ normalizer: json }, origin).normalizer;
}

const isWhiteSpace = (character: string | undefined) => character !== undefined && /\p{White_Space}/u.test(character);

/** By Unicode's white space, which is not that of JavaScript; in time that grows with the text alone. */
function stripNormalizer(json: { readonly strip_left?: unknown; readonly strip_right?: unknown }) {
  const { strip_left: left = true, strip_right: right = true } = json;
  return (text: string): string => {
    let [start, end] = [0, text.length];
    while (right && end > 0 && isWhiteSpace(text[end - 1])) end--;
    while (left && start < end && isWhiteSpace(text[start])) start++;
    return text.slice(start, end);
  };
}

/** A pre-tokenizer without what the package does otherwise than the original; throws where there is no other way to say it. */
function supported(json: unknown, origin: string): unknown {
  if (typeof json !== 'object' || json === null) return json ?? null;
  const { type, behavior, pretokenizers, individual_digits: individual } = json as Record<string, unknown>;
  if (Array.isArray(pretokenizers)) {
    return { ...json, pretokenizers: pretokenizers.map(inner => supported(inner, origin)) };
  }
  if (type === 'BertPreTokenizer') return supported(bertPreTokenizer, origin);
  if (type === 'WhitespaceSplit') {
    return { type: 'Split', pattern: { Regex: '\\p{White_Space}+' }, behavior: 'Removed', invert: false };
  }
  if (type === 'Digits') {
    // Every numeral counts, not only the decimal digits.
    const pattern = { Regex: individual === true ? '\\p{N}' : '\\p{N}+' };
    return { type: 'Split', pattern, behavior: 'Isolated', invert: false };
  }
  if (type === 'Split' && !['removed', 'isolated'].includes(`${behavior}`.toLowerCase())) {
    throw new DuetError('invalid-config', `${origin}: a Split must be Removed or Isolated, got ${behavior}`);
  }
  return json;
}
