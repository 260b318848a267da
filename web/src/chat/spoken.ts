/** What is read aloud of an answer while it comes: whole sentences, each once, and that a picture is there. Pure. */
import type { AnswerPart } from './answer-parts.ts';

const sentence = /[^.!?。！？\n]*(?:[.!?。！？\n]+["'”’)]*\s*|$)/gu;

export interface Spoken {
  /** Stays the same as more comes, so that nothing that was read counts as new. */
  readonly key: string;
  readonly text: string;
}

/** The pieces so far, in the order of the answer. */
export function spokenPieces(parts: readonly AnswerPart[], isOver: boolean): readonly Spoken[] {
  return parts.flatMap((part, place) => {
    if (part.type === 'image') {
      return part.url === null ? [] : [{ key: `picture-${part.index}`, text: `Picture ${part.index + 1} is there.` }];
    }
    const pieces = (part.text.match(sentence) ?? []).filter(piece => piece.trim() !== '');
    // While it grows, the end waits: a dot may be one of several, or of a number.
    const isGrowing = !isOver && place === parts.length - 1;
    return pieces
      .slice(0, isGrowing ? -1 : undefined)
      .map((piece, index) => ({ key: `words-${place}-${index}`, text: piece.trim() }));
  });
}
