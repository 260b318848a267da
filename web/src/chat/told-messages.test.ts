import { describe, expect, it } from 'vitest';
import { known } from '../testing/known.ts';
import type { AnswerPart } from './answer-parts.ts';
import { type Answer, type Conversation, emptyConversation, withChange, withQuestion } from './conversation.ts';
import { firstRead, latestThatFit, toldMessages } from './told-messages.ts';

const picture = (name: string) => ({ name, url: `/v1/jobs/${name}/files/picture0` });
const drawn = (url: string | null, preview: string | null = null): AnswerPart => ({
  type: 'image',
  index: 0,
  seed: 1,
  url,
  preview,
});

function exchange(conversation: Conversation, text: string, parts: readonly AnswerPart[], pictures = ['']) {
  const { length } = conversation.messages;
  const given = pictures.filter(Boolean).map(picture);
  const asked = withQuestion(conversation, { parent: length === 0 ? null : length - 1, text, pictures: given }, '');
  return withChange<Answer>(asked, length + 1, { status: 'done', parts });
}

const empty = emptyConversation('c');

describe('from where the model reads', () => {
  const answer: readonly AnswerPart[] = [{ type: 'text', text: 'yes' }];
  const long = ['a', 'b', 'c', 'd'].reduce((before, text) => exchange(before, text, answer), empty);
  const readAt = (question: number, exchanges?: number) => firstRead(toldMessages(long, question, true), exchanges);

  it('is the question that begins the last exchanges, the present one among them', () => {
    expect(readAt(6, 3)).toBe(2);
    expect(readAt(6, 1)).toBe(6);
  });

  it('is nothing to tell of where it reads all', () => {
    expect([readAt(6), readAt(6, 4), readAt(6, 9), readAt(4, 3), readAt(0, 1)]).toEqual([null, null, null, null, null]);
  });

  it('does not count questions that came to nothing, as the model is not told of them', () => {
    const failed = exchange(exchange(exchange(long, 'failed', []), 'e', answer), 'f', answer);
    expect(firstRead(toldMessages(failed, 12, true), 3)).toBe(6);
  });
});

describe('what the model is told', () => {
  it('is words and pictures in their order, its own pictures too', () => {
    const first = exchange(empty, 'like this', [{ type: 'text', text: 'Here: ' }, drawn('/a.png')], ['given']);
    const both = exchange(first, 'more', []);
    expect(toldMessages(both, 2, true)).toEqual([
      {
        id: 0,
        role: 'user',
        content: [
          { type: 'image', image: picture('given').url },
          { type: 'text', text: 'like this' },
        ],
      },
      {
        id: 1,
        role: 'assistant',
        content: [
          { type: 'text', text: 'Here: ' },
          { type: 'image', image: '/a.png' },
        ],
      },
      { id: 2, role: 'user', content: [{ type: 'text', text: 'more' }] },
    ]);
  });

  it('is words alone where the model sees nothing', () => {
    const both = exchange(exchange(empty, 'x', [drawn('/a.png'), { type: 'text', text: 'y' }]), 'z', []);
    expect(JSON.stringify(toldMessages(both, 2, false))).not.toContain('image');
  });

  it('has no question that was not answered, and unfinished pictures as far as they came', () => {
    const failed = exchange(exchange(empty, 'failed', []), 'stopped', [drawn(null, 'data:image/png;base64,AA==')]);
    const told = toldMessages(exchange(failed, 'now', []), 4, true);
    expect(told.map(({ id }) => id)).toEqual([2, 3, 4]);
    expect(told[1]!.content).toEqual([{ type: 'image', image: 'data:image/png;base64,AA==' }]);
  });
});

describe('the latest that fit', () => {
  const long = ['one', 'two', 'three'].reduce(
    (before, text) => exchange(before, text.repeat(100), [{ type: 'text', text: 'yes' }], [text, `${text}b`]),
    empty,
  );
  const told = toldMessages(long, 4, true);
  const fitting = (limits: object) => latestThatFit(told, { ...known.limits, ...limits }).map(({ id }) => id);

  it('are all where there is room', () => {
    expect(fitting({})).toEqual([0, 1, 2, 3, 4]);
  });

  it.each([
    ['message_pictures', 4],
    ['messages', 4],
    ['message_characters', 900],
    ['request_bytes', 4096 + 1500],
  ])('are whole exchanges within %s', (limit, most) => {
    expect(fitting({ [limit]: most })).toEqual([2, 3, 4]);
  });

  it('hold the last message, which the server then refuses', () => {
    expect(fitting({ message_pictures: 1 })).toEqual([4]);
  });
});
