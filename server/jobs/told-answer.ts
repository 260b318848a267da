/**
 * What was told of an answer while it was written. A job may begin anew in another process, and with the same seed it comes to
 * the same answer: only what is new is told. Where something was lost on the way from a worker, what follows waits for the end.
 */
import type { CallAnswer } from '../../src/pipelines/index.ts';
import type { NewJobEvent } from './event-log.ts';
import type { WrittenSoFar } from './types.ts';

type AnswerEvent = Extract<NewJobEvent, { type: 'text' | 'image-started' }>;

export class ToldAnswer {
  #text = '';
  #pictures: WrittenSoFar['pictures'] = [];

  /** What has been told so far; undefined if nothing has. */
  get written(): WrittenSoFar | undefined {
    const [text, pictures] = [this.#text, this.#pictures];
    return text === '' && pictures.length === 0 ? undefined : { text, pictures };
  }

  /** What of `event` is to be told; undefined if nothing is. */
  next(event: AnswerEvent): AnswerEvent | undefined {
    if (event.type === 'text') return this.#nextText(event);
    if (event.index !== this.#pictures.length) return undefined;
    this.#pictures = [...this.#pictures, { at: event.at, seed: event.seed }];
    return event;
  }

  #nextText({ type, delta, at }: Extract<AnswerEvent, { type: 'text' }>): AnswerEvent | undefined {
    const told = this.#text;
    if (at > told.length || told.startsWith(delta, at)) return undefined;
    const known = told.slice(at);
    this.#text = told.slice(0, at) + delta;
    // Another answer than before, on another kind of machine: clients cut what they have at `at`.
    if (!delta.startsWith(known)) return { type, delta, at };
    return { type, delta: delta.slice(known.length), at: told.length };
  }
}

/** A finished answer as the events that tell it whole. `seedOf` knows the seeds of its pictures. */
export function eventsOfAnswer({ content }: CallAnswer, seedOf: (index: number) => number): readonly AnswerEvent[] {
  let at = 0;
  return content.map(part => {
    if (part.type === 'image') return { type: 'image-started', index: part.index, seed: seedOf(part.index), at };
    const event = { type: 'text', delta: part.text, at } as const;
    at += part.text.length;
    return event;
  });
}
