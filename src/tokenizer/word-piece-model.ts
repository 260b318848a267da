/** WordPiece: the longest token that each rest of a word begins with (Devlin et al. 2018, arXiv 1810.04805), as Hugging Face's tokenizers do it. */
import type { PieceModel } from './piece-model.ts';

/** As a tokenizer.json describes it. */
export interface WordPieceJson {
  readonly vocab: Readonly<Record<string, number>>;
  readonly unk_token: string;
  /** In front of tokens that do not begin a word. */
  readonly continuing_subword_prefix: string;
  /** Longer words are unknown. @default 100 */
  readonly max_input_chars_per_word?: number;
}

export function wordPieceModel(json: WordPieceJson): PieceModel {
  const { unk_token: unknown, continuing_subword_prefix: prefix, max_input_chars_per_word: most = 100 } = json;
  const vocabulary = new Set(Object.keys(json.vocab));
  let longest = 0;
  for (const token of vocabulary) longest = Math.max(longest, token.length);

  const tokensOf = (piece: string): readonly string[] => {
    const characters = Array.from(piece);
    if (characters.length > most) return [unknown];
    const tokens: string[] = [];
    for (let start = 0; start < characters.length; ) {
      let end = Math.min(characters.length, start + longest);
      const token = () => (start > 0 ? prefix : '') + characters.slice(start, end).join('');
      while (end > start && !vocabulary.has(token())) end--;
      if (end === start) return [unknown];
      tokens.push(token());
      start = end;
    }
    return tokens;
  };
  return pieces => pieces.flatMap(tokensOf);
}
