/** SentencePiece's Unigram: the most probable pieces (Kudo 2018, arXiv 1804.10959, section 3.2), as Hugging Face's tokenizers find them. */
import { PairTable } from '../core/pair-table.ts';
import type { PieceModel } from './piece-model.ts';

/** As a tokenizer.json describes it. */
export interface UnigramJson {
  /** Pieces and their log probabilities; a piece's place is its id. */
  readonly vocab: readonly (readonly [piece: string, score: number])[];
  readonly unk_id: number;
}

/** How much less probable an unknown character is than the least probable piece (SentencePiece's kUnkPenalty). */
const unknownPenalty = 10;
const none = -1;

/** By Viterbi's algorithm; of equally probable pieces those count that begin first. Unknown characters side by side are one token. */
export function unigramModel({ vocab, unk_id: unknown }: UnigramJson): PieceModel {
  const pieceScores = Float64Array.from(vocab, ([, score]) => score);
  pieceScores[unknown] = pieceScores.reduce((least, score) => Math.min(least, score)) - unknownPenalty;
  const { children, ids: idOfNode } = trieOf(vocab.map(([piece]) => piece));

  const tokensOf = (text: string): string[] => {
    const characters = Array.from(text);
    const codes = Int32Array.from(characters, character => character.codePointAt(0)!);
    // Of the best pieces up to each place: their score, where the last of them starts, and which it is.
    const scores = new Float64Array(codes.length + 1);
    const starts = new Int32Array(codes.length + 1).fill(none);
    const ids = new Int32Array(codes.length + 1).fill(none);
    const offer = (start: number, end: number, id: number) => {
      const score = scores[start]! + pieceScores[id]!;
      if (starts[end] !== none && score <= scores[end]!) return;
      scores[end] = score;
      starts[end] = start;
      ids[end] = id;
    };
    for (let start = 0; start < codes.length; start++) {
      let isKnown = false;
      for (let node = 0, end = start + 1; end <= codes.length; end++) {
        node = children.get(node, codes[end - 1]!);
        if (node === none) break;
        const id = idOfNode[node]!;
        if (id === none) continue;
        offer(start, end, id);
        if (end === start + 1) isKnown = true;
      }
      if (!isKnown) offer(start, start + 1, unknown);
    }
    const tokens: string[] = [];
    for (let end = codes.length, start = end; end > 0; end = start) {
      start = starts[end]!;
      while (ids[end] === unknown && ids[start] === unknown) start = starts[start]!;
      tokens.push(characters.slice(start, end).join(''));
    }
    return tokens.reverse();
  };
  return pieces => pieces.flatMap(tokensOf);
}

/** Pieces by their characters; node 0 is the beginning of all. */
interface Trie {
  /** A node and a code point to the next node. */
  readonly children: PairTable;
  /** The piece that ends at each node, or -1. */
  readonly ids: readonly number[];
}

function trieOf(pieces: readonly string[]): Trie {
  const nodes = [new Map<string, number>()];
  const ids = [none];
  for (const [id, piece] of pieces.entries()) {
    let node = 0;
    for (const character of piece) {
      const known = nodes[node]!.get(character);
      const next = known ?? nodes.length;
      if (known === undefined) {
        nodes[node]!.set(character, next);
        nodes.push(new Map());
        ids.push(none);
      }
      node = next;
    }
    ids[node] = id;
  }
  const edges = nodes.flatMap((children, node) =>
    Array.from(children, ([character, next]) => [node, character.codePointAt(0)!, next] as const),
  );
  return { children: new PairTable(edges), ids };
}
