/** Tokenizers from their files. */
import { readJsonFile } from '../core/json-file.ts';
import { type FrameTokens, JsonTokenizer } from './json-tokenizer.ts';

/** Where a tokenizer comes from; can be sent to another thread. */
export interface TokenizerSource {
  /** Path of a tokenizer.json, which must stay as it is while the tokenizer is used. */
  readonly file: string;
  /** Special tokens that the file lacks; blanks around them belong to them. @default none */
  readonly addedTokens?: readonly { readonly name: string; readonly id: number }[] | undefined;
  /** Tokens around a text. @default those of the file */
  readonly frame?: FrameTokens | undefined;
}

/** @throws DuetError 'invalid-config', and what `readFile` throws */
export async function readTokenizer(source: TokenizerSource): Promise<JsonTokenizer> {
  return tokenizerFrom(await readJsonFile(source.file), source);
}

/**
 * @param json what the source's file holds
 * @throws DuetError 'invalid-config'
 */
export function tokenizerFrom(json: unknown, { file, addedTokens = [], frame }: TokenizerSource): JsonTokenizer {
  const { added_tokens: own = [] } = (json ?? {}) as { readonly added_tokens?: unknown };
  // What is no list is refused as it stands.
  if (addedTokens.length === 0 || !Array.isArray(own)) return new JsonTokenizer(json, file, frame);
  const added = addedTokens.map(({ name, id }) => ({ id, content: name, special: true, lstrip: true, rstrip: true }));
  return new JsonTokenizer({ ...(json as object), added_tokens: [...own, ...added] }, file, frame);
}
