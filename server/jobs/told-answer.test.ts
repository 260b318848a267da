/** What is told of an answer that is begun anew, or of which something was lost on the way. */
import { describe, expect, it } from 'vitest';
import { eventsOfAnswer, ToldAnswer } from './told-answer.ts';

type Event = Parameters<ToldAnswer['next']>[0];
const text = (delta: string, at: number): Event => ({ type: 'text', delta, at });
const start = (index: number, at: number): Event => ({ type: 'image-started', index, seed: index, at });
const told = (...events: readonly Event[]) => {
  const answer = new ToldAnswer();
  return events.flatMap(event => answer.next(event) ?? []);
};

describe('what is told', () => {
  it('is what happens', () => {
    const events = [text('a ', 0), start(0, 2), text('b', 2), start(1, 3)];
    expect(told(...events)).toEqual(events);
  });

  it('is not told again, in whatever pieces it comes', () => {
    const before = [text('one ', 0), start(0, 4), text('tw', 4)];
    expect(told(...before, text('one two', 0), start(0, 4), text(' three', 7))).toEqual([
      ...before,
      text('o', 6),
      text(' three', 7),
    ]);
  });

  it('waits behind a gap until the end tells the whole', () => {
    const content = [
      { type: 'text', text: 'one two' },
      { type: 'image', index: 0 },
      { type: 'text', text: ' three' },
    ] as const;
    const whole = eventsOfAnswer(
      { content, finishReason: 'stop', seed: 0, promptTokens: 1, answerTokens: 1 },
      index => index,
    );
    expect(told(text('one', 0), text(' three', 7), start(1, 9), ...whole)).toEqual([
      text('one', 0),
      text(' two', 3),
      start(0, 7),
      text(' three', 7),
    ]);
  });

  it('takes back what another run wrote otherwise', () => {
    expect(told(text('one', 0), text('owl', 0), text('s', 3))).toEqual([text('one', 0), text('owl', 0), text('s', 3)]);
  });
});
