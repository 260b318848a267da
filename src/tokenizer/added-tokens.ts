/**
 * Tokens that were added to a vocabulary are found in a text before anything else is done with it. The rules are those of
 * Hugging Face's tokenizers (its AddedVocabulary): the leftmost match counts, the longest of those that begin at one place.
 */

export interface AddedToken {
  readonly id: number;
  readonly content: string;
  /** Not found inside a word. */
  readonly single_word: boolean;
  /** Takes the blanks before it along. */
  readonly lstrip: boolean;
  /** Takes the blanks behind it along. */
  readonly rstrip: boolean;
  /** Looked for in the normalised text. */
  readonly normalized: boolean;
  readonly special: boolean;
}

/** A part of a text: a token that was found, or what lies between two. */
export interface Section {
  readonly text: string;
  readonly token?: AddedToken;
}

const wordAtEnd = /[\p{Alphabetic}\p{M}\p{Nd}\p{Pc}\p{Join_Control}]$/u;
const wordAtStart = /^[\p{Alphabetic}\p{M}\p{Nd}\p{Pc}\p{Join_Control}]/u;

/** Finds tokens by what stands for them in a text: their content, normalised where they are looked for in normalised text. */
export class AddedTokenFinder {
  readonly #tokens: ReadonlyMap<string, AddedToken>;
  readonly #pattern: RegExp | undefined;

  constructor(tokens: ReadonlyMap<string, AddedToken>) {
    const contents = [...tokens.keys()].filter(content => content !== '').sort((a, b) => b.length - a.length);
    this.#tokens = tokens;
    this.#pattern = contents.length > 0 ? new RegExp(contents.map(escapePattern).join('|'), 'gu') : undefined;
  }

  split(text: string): Section[] {
    if (!this.#pattern) return [{ text }];
    const sections: Section[] = [];
    let at = 0;
    for (const { 0: content, index } of text.matchAll(this.#pattern)) {
      const token = this.#tokens.get(content)!;
      const [before, behind] = [text.slice(0, index), text.slice(index + content.length)];
      if (token.single_word && (wordAtEnd.test(before.slice(-2)) || wordAtStart.test(behind))) continue;
      const start = token.lstrip ? endWithoutBlanks(before, at) : index;
      const stop = index + content.length + (token.rstrip ? leadingBlanks(behind) : 0);
      if (at < start) sections.push({ text: text.slice(at, start) });
      sections.push({ text: content, token });
      at = stop;
    }
    if (at < text.length) sections.push({ text: text.slice(at) });
    return sections;
  }
}

function escapePattern(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&');
}

// JavaScript's own \s takes the byte order mark for a blank, and U+0085 for none.
const blank = /\p{White_Space}/u;

/** From `least` on: what stands before belongs to another token. */
function endWithoutBlanks(text: string, least: number): number {
  let end = text.length;
  while (end > least && blank.test(text[end - 1]!)) end--;
  return Math.max(end, least);
}

function leadingBlanks(text: string): number {
  let count = 0;
  while (count < text.length && blank.test(text[count]!)) count++;
  return count;
}
