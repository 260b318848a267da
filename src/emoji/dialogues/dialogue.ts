/** Dialogues about emoji scenes, in which the truth of every picture is known: it is given as its scene. */
import type { Random } from '../../core/random.ts';
import type { Scene } from '../scenes/scene.ts';

export type DialoguePart =
  | { readonly type: 'text'; readonly text: string }
  | { readonly type: 'picture'; readonly scene: Scene };

/** What a dialogue can be about; each kind is measured by itself. */
export const exchangeKinds = ['draw', 'describe', 'question', 'edit', 'story', 'decline', 'talk'] as const;
export type ExchangeKind = (typeof exchangeKinds)[number];

/** What the user says and what the model is to answer. */
export interface Exchange {
  readonly kind: ExchangeKind;
  readonly user: readonly DialoguePart[];
  readonly assistant: readonly DialoguePart[];
}

/** What has been shown before an exchange. */
export interface Situation {
  /** The picture that "it" means; absent while there is none. */
  readonly shown?: Scene | undefined;
  /** Which scenes may be drawn: all that are used in training, or those that are held out from it. */
  readonly allows: (scene: Scene) => boolean;
  /** A scene that is allowed. */
  readonly anyScene: (random: Random) => Scene;
}

/** Makes an exchange that fits the situation; nothing where none does. */
export type MakeExchange = (situation: Situation, random: Random) => Exchange | undefined;

export function text(words: string): DialoguePart {
  return { type: 'text', text: words };
}

export function picture(scene: Scene): DialoguePart {
  return { type: 'picture', scene };
}

/** The last picture of some parts. */
export function lastScene(parts: readonly DialoguePart[]): Scene | undefined {
  return parts.findLast(part => part.type === 'picture')?.scene;
}
