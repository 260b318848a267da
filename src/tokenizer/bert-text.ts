/** What BERT's tokenizers do to a text before they look for its pieces (Devlin et al. 2018, arXiv 1810.04805), as Hugging Face's do it. */

export interface BertNormalizerJson {
  readonly clean_text?: boolean;
  readonly handle_chinese_chars?: boolean;
  /** @default as `lowercase` */
  readonly strip_accents?: boolean | null;
  readonly lowercase?: boolean;
}

/** Characters of Chinese, Japanese and Korean, each a word of its own. */
const ideographs =
  /[\u4e00-\u9fff\u3400-\u4dbf\uf900-\ufaff\u{20000}-\u{2a6df}\u{2a700}-\u{2b73f}\u{2b740}-\u{2b81f}\u{2b920}-\u{2ceaf}\u{2f800}-\u{2fa1f}]/gu;

export function bertNormalizer({
  clean_text: cleans = true,
  handle_chinese_chars: parts = true,
  lowercase = true,
  strip_accents: strips,
}: BertNormalizerJson): (text: string) => string {
  return text => {
    let out = cleans ? cleaned(text) : text;
    if (parts) out = out.replace(ideographs, ' $& ');
    if (strips ?? lowercase) out = out.normalize('NFD').replace(/\p{Mn}/gu, '');
    // One by one: at the end of a word, a sigma is no other letter here.
    return lowercase ? Array.from(out, character => character.toLowerCase()).join('') : out;
  };
}

/** Controls go before white space becomes blanks: U+0085 is both. */
function cleaned(text: string): string {
  return text.replace(/(?![\t\n\r])[\ufffd\p{Cc}\p{Cf}\p{Co}\p{Cs}]/gu, '').replace(/\p{White_Space}/gu, ' ');
}

/** BERT's splitting in words and signs, as pre-tokenizers that are built. */
export const bertPreTokenizer = {
  type: 'Sequence',
  pretokenizers: [
    { type: 'WhitespaceSplit' },
    { type: 'Split', pattern: { Regex: '[!-/:-@\\[-`{-~\\p{P}]' }, behavior: 'Isolated', invert: false },
  ],
} as const;
