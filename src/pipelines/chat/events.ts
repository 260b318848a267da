/** What happens while a model answers in words and pictures, and what the answer is in the end. */
import type { Picture } from '../../image/index.ts';

/** A part of an answer, in the order in which the model wrote and drew. */
export type AnswerPart =
  | { readonly type: 'text'; readonly text: string }
  | { readonly type: 'image'; readonly image: Picture; readonly seed: number };

export interface InterleavedAnswer {
  readonly content: readonly AnswerPart[];
  /** All words, without the pictures. */
  readonly text: string;
  readonly images: readonly Picture[];
  /** `stop`: the model ended the answer, or a stop text did; `length`: it was long enough. */
  readonly finishReason: 'stop' | 'length';
  readonly promptTokens: number;
  /** Those that were chosen; a picture counts as one. */
  readonly answerTokens: number;
  /** Of the words; picture i is drawn from seed + i. */
  readonly seed: number;
}

/** Events come in the order in which they happen: words go on while pictures are drawn. */
export type InterleavedChatEvent =
  /** Never ends inside a character. */
  | { readonly type: 'text-delta'; readonly text: string }
  /** The model draws picture `index`, from 0, at this place of its answer. */
  | { readonly type: 'image-started'; readonly index: number; readonly seed: number }
  | { readonly type: 'image-progress'; readonly index: number; readonly step: number; readonly total: number }
  | {
      readonly type: 'image-preview';
      readonly index: number;
      readonly step: number;
      readonly image: Picture;
      readonly seed: number;
    }
  | { readonly type: 'image'; readonly index: number; readonly image: Picture; readonly seed: number }
  | { readonly type: 'done'; readonly answer: InterleavedAnswer };
