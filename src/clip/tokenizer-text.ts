/** What happens to a text before byte-pair merging: cleaning and splitting, CLIP's way and GPT-2's way. */

/** `clip`: lowercase, blanks collapsed, words end in `</w>`. `gpt2`: the text as it is, a blank belongs to the next word. */
export type TokenizerStyle = 'clip' | 'gpt2';

/** The mark of the end of a word in CLIP's vocabulary. */
export const endOfWord = '</w>';

const contractions = "'s|'t|'re|'ve|'m|'ll|'d";

const patterns: Record<TokenizerStyle, RegExp> = {
  clip: new RegExp(`${contractions}|\\p{L}+|\\p{N}|[^\\s\\p{L}\\p{N}]+`, 'giu'),
  gpt2: new RegExp(`${contractions}| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+`, 'gu'),
};

// The CJK blocks around which BERT's (and so CLIP's fallback) cleaning puts blanks.
const cjk = /[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\u{20000}-\u{2a6df}\u{2a700}-\u{2ceaf}\u{2f800}-\u{2fa1f}]/gu;

/**
 * CLIP's cleaning without ftfy: NFC, control characters removed, blanks around CJK characters, runs of whitespace made
 * one blank, trimmed, lowercase. Idempotent.
 */
export function cleanText(text: string): string {
  const plain = text

    .replace(/\s+/gu, ' ')
    .replace(/[\p{C}\ufffd]/gu, '')
    .replace(cjk, ' $& ');
  return plain.normalize('NFC').toLowerCase().normalize('NFC').replace(/\s+/gu, ' ').trim();
}

/** The pieces of `text` that are merged separately; `specials` (longest first) are pieces of their own. */
export function splitText(text: string, style: TokenizerStyle, specials: readonly string[]): string[] {
  const prepared = style === 'clip' ? cleanText(text) : text;
  const pieces: string[] = [];
  for (const part of splitSpecials(prepared, specials)) {
    if (specials.includes(part)) pieces.push(part);
    else for (const match of part.matchAll(patterns[style])) pieces.push(match[0]);
  }
  return pieces;
}

function splitSpecials(text: string, specials: readonly string[]): string[] {
  if (specials.length === 0) return [text];
  const escaped = specials.map(special => special.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  return text.split(new RegExp(`(${escaped.join('|')})`, 'u'));
}

/**
 * The clean-up of text that GPT-2 decoded, on by default in transformers 4.23 (docs/reference/clip-and-gpt2.md): it removes
 * the blank before . ? ! , n't 'm 's 've and 're, and the blanks around a lone apostrophe.
 */
export function cleanUpSpaces(text: string): string {
  return text
    .replaceAll(' .', '.')
    .replaceAll(' ?', '?')
    .replaceAll(' !', '!')
    .replaceAll(' ,', ',')
    .replaceAll(" ' ", "'")
    .replaceAll(" n't", "n't")
    .replaceAll(" 'm", "'m")
    .replaceAll(" 's", "'s")
    .replaceAll(" 've", "'ve")
    .replaceAll(" 're", "'re");
}
