/**
 * Tokenizers of language models, from the tokenizer.json that Hugging Face's library writes: byte-level BPE (GPT-2, Llama 3)
 * and BPE over SentencePiece's pieces with bytes for what they lack (Llama 1 and 2). Normalising, splitting and merging are
 * `@huggingface/tokenizers`'; what stands around them is ours, since the package differs there from the original
 * (docs/decisions/2026-11-27-tokenizers.md).
 */
import { Tokenizer as Pieces } from '@huggingface/tokenizers';
import Type from 'typebox';
import { Value } from 'typebox/value';
import { DuetError } from '../core/errors.ts';
import { type AddedToken, AddedTokenFinder } from './added-tokens.ts';
import { type TokenDecoder, tokenDecoder } from './decode-tokens.ts';
import { type FrameIds, frameIds } from './frame-ids.ts';

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
  model: Type.Object({
    /** Absent in files of before 2021. */
    type: Type.Optional(Type.String()),
    vocab: Type.Record(Type.String(), Type.Integer({ minimum: 0 })),
    merges: Type.Array(Type.Union([Type.String(), Type.Array(Type.String())])),
    unk_token: Type.Optional(Type.Union([Type.String(), Type.Null()])),
  }),
});

/** Tokens that begin and end a text. */
export interface FrameTokens {
  readonly before: readonly string[];
  readonly behind: readonly string[];
}

/** What of the package is used: its parts, one by one. */
interface PieceMaker {
  readonly normalizer: ((text: string) => string) | null;
  readonly pre_tokenizer: ((text: string, options: { readonly section_index: number }) => string[]) | null;
  readonly model: ((pieces: string[]) => string[]) | null;
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
  readonly #pieces: PieceMaker;
  readonly #ids: ReadonlyMap<string, number>;
  readonly #tokens: ReadonlyMap<number, string>;
  readonly #unknownId: number | undefined;
  readonly #special: ReadonlySet<number>;
  readonly #plainFinder: AddedTokenFinder;
  readonly #normalisedFinder: AddedTokenFinder;
  readonly #decode: TokenDecoder;

  /**
   * @param json a parsed tokenizer.json, whatever it is
   * @param origin its path, for messages
   * @param frame tokens around a text. @default those of the file
   * @throws DuetError 'invalid-config'
   */
  constructor(json: unknown, origin: string, frame?: FrameTokens) {
    if (!Value.Check(tokenizerSchema, json)) {
      const [first] = Value.Errors(tokenizerSchema, json);
      const place = first?.instancePath.slice(1).replaceAll('/', '.') || 'the file';
      throw new DuetError('invalid-config', `${origin}: ${place} ${first?.message ?? 'is not valid'}`);
    }
    const { model, added_tokens: added = [] } = json;
    if ((model.type ?? 'BPE') !== 'BPE') {
      throw new DuetError('invalid-config', `${origin}: the model of a tokenizer must be BPE, got ${model.type}`);
    }
    this.#pieces = pieceMaker(json, origin);
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
    this.#ids = new Map([...Object.entries(model.vocab), ...tokens.map(({ content, id }) => [content, id] as const)]);
    // Tokens that are found in normalised text are decoded as what was found there, and are then not known to be special.
    const shown = ({ content, normalized }: AddedToken) => (normalized ? this.#normalise(content) : content);
    this.#tokens = new Map([
      ...Object.entries(model.vocab).map(([token, id]) => [id, token] as const),
      ...tokens.map(token => [token.id, shown(token)] as const),
    ]);
    this.#unknownId = typeof model.unk_token === 'string' ? this.#ids.get(model.unk_token) : undefined;
    const isSpecial = (token: AddedToken) => token.special && shown(token) === token.content;
    this.#special = new Set(tokens.filter(isSpecial).map(({ id }) => id));
    const finder = (normalised: boolean) => {
      const own = tokens.filter(({ normalized }) => normalized === normalised);
      return new AddedTokenFinder(new Map(own.map(token => [shown(token), token])));
    };
    this.#plainFinder = finder(false);
    this.#normalisedFinder = finder(true);
    this.#decode = tokenDecoder(json.decoder, origin);
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
        else if (inner !== '') for (const id of this.#pieceIds(inner, index + place)) ids.push(id);
      }
    }
    return ids;
  }

  /** @param place 0 for what the whole text begins with: some tokenizers put a blank in front of that alone */
  #pieceIds(text: string, place: number): number[] {
    const { pre_tokenizer: split, model } = this.#pieces;
    const pieces = model!(split ? split(text, { section_index: place }) : [text]);
    return pieces.flatMap(piece => this.#ids.get(piece) ?? this.#unknownId ?? []);
  }

  #normalise(text: string): string {
    return this.#pieces.normalizer?.(text) ?? text;
  }
}

function pieceMaker(json: { readonly model: object }, origin: string): PieceMaker {
  const own = { normalizer: null, ...json, added_tokens: [], post_processor: null, decoder: null } as Record<
    string,
    unknown
  >;
  own['model'] = { type: 'BPE', ...json.model };
  own['pre_tokenizer'] = supported(own['pre_tokenizer'], origin);
  try {
    // The parts are functions at run time, which their classes' types do not say.
    return new Pieces(own, {}) as unknown as PieceMaker;
  } catch (error) {
    throw new DuetError('invalid-config', `${origin}: ${error instanceof Error ? error.message : error}`, {
      cause: error,
    });
  }
}

/** A pre-tokenizer without what the package does otherwise than the original; throws where there is no other way to say it. */
function supported(json: unknown, origin: string): unknown {
  if (typeof json !== 'object' || json === null) return json ?? null;
  const { type, behavior, pretokenizers, individual_digits: individual } = json as Record<string, unknown>;
  if (Array.isArray(pretokenizers)) {
    return { ...json, pretokenizers: pretokenizers.map(inner => supported(inner, origin)) };
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
