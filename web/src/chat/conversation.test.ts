import { describe, expect, it } from 'vitest';
import {
  type Answer,
  askedAgain,
  type Conversation,
  emptyConversation,
  pathOf,
  pathTo,
  pendingIn,
  titleOf,
  versionsOf,
  withAnswer,
  withChange,
  withChosen,
  withQuestion,
} from './conversation.ts';

const ask = (conversation: Conversation, text: string, parent: number | null) =>
  withQuestion(conversation, { parent, text, pictures: [] }, `key of ${text}`);
const answered = (conversation: Conversation, id: number, text: string) =>
  withChange<Answer>(conversation, id, { status: 'done', parts: [{ type: 'text', text }] });

/** Two exchanges: 0 first, 1 its answer, 2 second, 3 its answer. */
function twoExchanges(): Conversation {
  const first = answered(ask(emptyConversation('c'), 'first', null), 1, 'one');
  return answered(ask(first, 'second', 1), 3, 'two');
}

describe('a conversation', () => {
  it('grows by a question and its answer, which is pending until it is over', () => {
    const asked = ask(emptyConversation('c'), 'first', null);
    expect(pathOf(asked)).toEqual([0, 1]);
    expect(pendingIn(asked)).toBe(1);
    expect(asked.messages[1]).toMatchObject({ role: 'assistant', status: 'sending', key: 'key of first' });
    expect(pendingIn(twoExchanges())).toBeUndefined();
  });

  it('shows an edited message in the place of the former one, without what followed it, and leads back', () => {
    const edited = ask(twoExchanges(), 'first, but better', null);
    expect(pathOf(edited)).toEqual([4, 5]);
    expect(versionsOf(edited, 4)).toEqual([0, 4]);
    const back = withChosen(edited, 0);
    expect(pathOf(back)).toEqual([0, 1, 2, 3]);
    expect(pathOf(withChosen(back, 4))).toEqual([4, 5]);
  });

  it('keeps the answers to one question beside each other', () => {
    const anew = answered(withAnswer(twoExchanges(), 2, 'k'), 4, 'zwei');
    expect(pathOf(anew)).toEqual([0, 1, 2, 4]);
    expect(versionsOf(anew, 3)).toEqual([3, 4]);
    expect(pathTo(anew, 3)).toEqual([0, 1, 2, 3]);
  });

  it('leads to any message, also from another version', () => {
    const edited = ask(twoExchanges(), 'other', null);
    expect(pathOf(withChosen(edited, 3))).toEqual([0, 1, 2, 3]);
  });

  it('asks once more for an answer that came to nothing', () => {
    const failed = withChange<Answer>(ask(emptyConversation('c'), 'x', null), 1, {
      status: 'failed',
      fault: { code: 'queue_full', message: '' },
    });
    expect(askedAgain(failed, 1, 'new').messages[1]).toMatchObject({ status: 'sending', fault: null, key: 'new' });
  });

  it('is called by its first words', () => {
    expect(titleOf(emptyConversation('c'))).toBe('New conversation');
    expect(titleOf(twoExchanges())).toBe('first');
    expect(titleOf(ask(emptyConversation('c'), ' a\n b ', null))).toBe('a b');
    expect(titleOf(ask(emptyConversation('c'), '🦊'.repeat(61), null))).toBe(`${'🦊'.repeat(59)}…`);
    const pictures = [{ name: 'a', url: '' }];
    expect(titleOf(withQuestion(emptyConversation('c'), { parent: null, text: '', pictures }, ''))).toBe('A picture');
  });
});
