/** Where dialogues come from, as the stages see them: items by index, the same every time. */
import type { Pixels } from '../../image/index.ts';

export type DialogueContent =
  | { readonly type: 'text'; readonly text: string }
  | {
      readonly type: 'image';
      /** The picture; drawn or read when it is needed. */
      readonly picture: () => Pixels | Promise<Pixels>;
      /** What it shows, where that is known: the conditioning of a picture that is to be drawn. */
      readonly caption?: string;
    };

export interface DialogueTurn {
  readonly role: 'user' | 'assistant';
  readonly content: readonly DialogueContent[];
}

export interface DialogueSource {
  readonly size: number;
  /** Turns of user and model one after the other, the user's first. */
  dialogue(index: number): Promise<readonly DialogueTurn[]>;
}
