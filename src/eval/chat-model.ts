/** What a model that answers in dialogues must be able to do to be measured. */

export type ChatPart =
  | { readonly type: 'text'; readonly text: string }
  /** RGB bytes, row by row. */
  | { readonly type: 'picture'; readonly pixels: Uint8Array };

export interface ChatTurn {
  readonly role: 'user' | 'assistant';
  readonly content: readonly ChatPart[];
}

export interface ChatSettings {
  readonly seed: number;
  readonly signal?: AbortSignal;
}

/** Seeded: the same dialogue with the same seed gives the same answer. */
export interface EvalChat {
  answer(dialogue: readonly ChatTurn[], settings: ChatSettings): Promise<readonly ChatPart[]>;
}

/** What happens of an answer, as it happens; each may come several times. */
export interface StreamedChat {
  stream(request: string, settings: ChatSettings): AsyncIterable<'text' | 'preview' | 'done'>;
}
