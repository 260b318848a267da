/** What all measures of a chat model run on: its options, and calls of the model, several at the same time. */
import type { ChatPart, ChatTurn, EvalChat } from '../../eval/chat-model.ts';
import type { DialoguePart } from '../dialogues/dialogue.ts';
import type { PictureJudge } from '../judge/judge.ts';
import { render } from '../scenes/render.ts';
import type { SpriteSheet } from '../scenes/sprites.ts';

export const chatMeasureNames = ['draws', 'text-to-image', 'questions', 'edits', 'stories', 'odd'] as const;
export type ChatMeasureName = (typeof chatMeasureNames)[number];

export interface ChatRun {
  readonly model: EvalChat;
  readonly sprites: SpriteSheet;
  readonly judge: PictureJudge;
  readonly seed: number;
  /** Items of a measure. */
  readonly count: number;
  /** Dialogues that are answered at the same time. */
  readonly atOnce: number;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((event: { measure: ChatMeasureName; done: number; total: number }) => void) | undefined;
}

/** `work` for every item, `atOnce` at the same time; the seed of item i is the run's seed + i. Results keep the order. */
export async function forEachItem<T, R>(
  run: ChatRun,
  measure: ChatMeasureName,
  items: readonly T[],
  work: (item: T, seed: number, index: number) => Promise<R>,
): Promise<R[]> {
  const results: R[] = new Array(items.length);
  let next = 0;
  let done = 0;
  const worker = async () => {
    for (let index = next++; index < items.length; index = next++) {
      run.signal?.throwIfAborted();
      results[index] = await work(items[index]!, run.seed + index, index);
      run.onProgress?.({ measure, done: ++done, total: items.length });
    }
  };
  await Promise.all(Array.from({ length: Math.min(run.atOnce, items.length) }, worker));
  return results;
}

/** One turn of the user, and what the model answers. */
export function ask(run: ChatRun, dialogue: readonly ChatTurn[], seed: number): Promise<readonly ChatPart[]> {
  return run.model.answer(dialogue, { seed, ...(run.signal && { signal: run.signal }) });
}

/** Parts of a dialogue with scenes as true renders. */
export function shown(parts: readonly DialoguePart[], sprites: SpriteSheet): ChatPart[] {
  return parts.map(part =>
    part.type === 'text' ? part : { type: 'picture' as const, pixels: render(part.scene, sprites) },
  );
}

export function wordsOf(parts: readonly ChatPart[]): string {
  return parts.flatMap(part => (part.type === 'text' ? [part.text] : [])).join('');
}

export function picturesOf(parts: readonly ChatPart[]): Uint8Array[] {
  return parts.flatMap(part => (part.type === 'picture' ? [part.pixels] : []));
}
