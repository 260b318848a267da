/** Dialogues as tokens: which of them are predicted, where pictures are given, where they are drawn. */
import type { Pixels } from '../../image/index.ts';
import type { DialogueTurn } from './dialogue-source.ts';

/** How a dialogue is written down. */
export interface DialogueForm {
  /** In front of what the user says; it also ends an answer. */
  readonly user: string;
  /** In front of an answer. */
  readonly assistant: string;
  /** Ids of a text, without anything around it. */
  readonly encode: (text: string) => readonly number[];
  /** Ids of the vokens, in their order. */
  readonly vokens: readonly number[];
  /** Positions of a picture that is given. */
  readonly vectors: number;
}

/** The id of a position at which a vector of a given picture stands. */
export const vectorId = -1;

export interface TokenisedDialogue {
  /** {@link vectorId} where a vector of a given picture stands. */
  readonly ids: readonly number[];
  /** Whether the prediction of this token counts. */
  readonly counts: readonly boolean[];
  /** Pictures of the user, in order. */
  readonly given: readonly (() => Pixels | Promise<Pixels>)[];
  /** Pictures of answers, in order: where their first voken stands, and what they show. */
  readonly drawn: readonly { readonly position: number; readonly caption: string | undefined }[];
}

/**
 * A dialogue as it stands before a model that goes on with it: what it drew itself is there as the vokens that it wrote. All
 * of an answer counts but the vokens between the first and the last one, which are never chosen; so does the user's mark
 * behind it, which ends it.
 */
export function tokeniseDialogue(turns: readonly DialogueTurn[], form: DialogueForm): TokenisedDialogue {
  const ids: number[] = [];
  const counts: boolean[] = [];
  const given: TokenisedDialogue['given'][number][] = [];
  const drawn: TokenisedDialogue['drawn'][number][] = [];
  const add = (tokens: readonly number[], count: (index: number) => boolean) => {
    ids.push(...tokens);
    counts.push(...tokens.map((_, index) => count(index)));
  };
  const [user, assistant] = [form.encode(form.user), form.encode(form.assistant)];
  for (const [at, { role, content }] of turns.entries()) {
    const isAnswer = role === 'assistant';
    add(isAnswer ? assistant : user, () => !isAnswer && at > 0);
    for (const part of content) {
      if (part.type === 'text') {
        add(form.encode(part.text), () => isAnswer);
      } else if (isAnswer) {
        drawn.push({ position: ids.length, caption: part.caption });
        add(form.vokens, index => index === 0 || index === form.vokens.length - 1);
      } else {
        given.push(part.picture);
        add(new Array<number>(form.vectors).fill(vectorId), () => false);
      }
    }
  }
  if (turns.at(-1)?.role === 'assistant') add(user, () => true);
  return { ids, counts, given, drawn };
}
