/**
 * Captions with gaps: the words around the gaps are fixed, each gap takes one word out of a list. Decoding follows the
 * template by a rule over tokens, so that the fixed words come out exactly.
 */
import { DuetError } from '../core/errors.ts';

/** The texts around the gaps, in order: one more than there are gaps; some may be empty. */
export type CaptionTemplate = readonly string[];

/** "a _ on a ___" has two gaps: words of underscores only. */
export function parseTemplate(caption: string): CaptionTemplate {
  return caption.split(/(?<=^|\s)_+(?=\s|$)/).map(text => text.trim());
}

/** The caption with a word in each gap; the text around them as it was given. */
export function fillTemplate(template: CaptionTemplate, words: readonly string[]): string {
  return template
    .flatMap((text, index) => [text, words[index] ?? ''])
    .filter(text => text !== '')
    .join(' ');
}

/** A template in tokens. */
export interface TokenTemplate {
  readonly texts: readonly (readonly number[])[];
  /** What may fill a gap, each as its tokens. */
  readonly words: readonly (readonly number[])[];
  readonly endId: number;
}

/** The tokens that may come next; empty after a caption that does not fit. */
export function nextTokens(template: TokenTemplate, tokens: readonly number[]): Set<number> {
  const next = new Set<number>();
  walk(template, tokens, place => {
    for (const token of place.expected) next.add(token);
  });
  return next;
}

/**
 * The tokens in each gap of a complete caption (without its end token).
 * @throws DuetError 'invalid-argument' if the caption does not fit
 */
export function gapTokens(template: TokenTemplate, tokens: readonly number[]): (readonly number[])[] {
  let found: (readonly number[])[] | undefined;
  walk(template, tokens, place => {
    if (place.expected.includes(template.endId)) found ??= [...place.gaps];
  });
  if (found) return found;
  throw new DuetError('invalid-argument', 'The caption does not fit the template');
}

interface Place {
  /** Tokens that may stand here. */
  readonly expected: readonly number[];
  readonly gaps: readonly (readonly number[])[];
}

/** Every way to read `tokens` along the template, reported where they end. */
function walk(template: TokenTemplate, tokens: readonly number[], visit: (place: Place) => void): void {
  const { texts, words, endId } = template;
  const readText = (index: number, at: number, gaps: Place['gaps']): void => {
    const text = texts[index]!;
    const common = commonLength(text, tokens, at);
    if (at + common === tokens.length && common < text.length) visit({ expected: [text[common]!], gaps });
    if (common < text.length) return;
    const end = at + text.length;
    if (index < texts.length - 1) readGap(index, end, gaps);
    else if (end === tokens.length) visit({ expected: [endId], gaps });
  };
  const readGap = (index: number, at: number, gaps: Place['gaps']): void => {
    for (const word of words) {
      const common = commonLength(word, tokens, at);
      if (at + common === tokens.length && common < word.length) visit({ expected: [word[common]!], gaps });
      else if (common === word.length) readText(index + 1, at + word.length, [...gaps, word]);
    }
  };
  readText(0, 0, []);
}

/** How many tokens of `part` stand in `tokens` from `at` on. */
function commonLength(part: readonly number[], tokens: readonly number[], at: number): number {
  let length = 0;
  while (length < part.length && part[length] === tokens[at + length]) length++;
  return length;
}
