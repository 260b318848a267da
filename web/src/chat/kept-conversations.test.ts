import { describe, expect, it } from 'vitest';
import { guarded } from '../guarded-storage.ts';
import { memoryStorage } from '../testing/memory-storage.ts';
import { type Answer, type Conversation, emptyConversation, withChange, withQuestion } from './conversation.ts';
import { emptyDraft, readDraft, writeDraft } from './draft.ts';
import { createConversationKeeper } from './kept-conversations.ts';

const picture = (size: number) => ({ name: 'a.png', url: `data:image/png;base64,${'A'.repeat(size)}` });

function conversation(id: string, changed: number, answer: Partial<Answer> = { status: 'done' }, size = 0) {
  const pictures = size > 0 ? [picture(size)] : [];
  const asked = withQuestion(emptyConversation(id), { parent: null, text: `question ${id}`, pictures }, 'key');
  return { ...withChange<Answer>(asked, 1, answer), changed };
}

const keep = (storage: Storage, ...all: readonly Conversation[]) => createConversationKeeper(() => storage).keep(all);
const kept = (storage: Storage) => createConversationKeeper(() => storage).conversations;

describe('conversations over a reload', () => {
  it('come back, the latest first, with the job that is running', () => {
    const storage = memoryStorage();
    const all = [conversation('a', 1), conversation('b', 2, { status: 'running', jobId: 'job_1' })];
    expect(keep(storage, ...all, emptyConversation('empty'))).toEqual([]);
    expect(kept(storage)).toEqual([all[1], all[0]]);
  });

  it('go when they are removed, here or in another window', () => {
    const storage = memoryStorage();
    const [a, b] = [conversation('a', 1), conversation('b', 2)];
    const keeper = createConversationKeeper(() => storage);
    keeper.keep([a, b]);
    keeper.keep([b]);
    expect(kept(storage)).toEqual([b]);
    storage.removeItem('duet-chat-b');
    expect(keeper.changed('duet-chat-b')).toEqual({ id: 'b' });
    keep(storage, a);
    expect(keeper.changed('duet-chat-a')).toEqual({ id: 'a', conversation: a });
    expect(keeper.changed('duet-theme')).toBeUndefined();
  });

  it('say that nobody knows what was on its way', () => {
    const storage = memoryStorage();
    keep(storage, conversation('a', 1, { status: 'sending' }));
    expect(kept(storage)[0]!.messages[1]).toMatchObject({
      status: 'failed',
      fault: { code: 'interrupted' },
      key: 'key',
    });
  });

  it('do without pictures that the server has not got, where there is no room', () => {
    const storage = memoryStorage(2000);
    expect(keep(storage, conversation('a', 1, { status: 'failed' }, 3000))).toEqual([]);
    expect(kept(storage)[0]!.messages[0]).toMatchObject({ pictures: [{ name: 'a.png', url: '' }] });
  });

  it('make room for the one that is spoken in, the oldest first, and say which', () => {
    const storage = memoryStorage(1200);
    const all = [1, 2, 3, 4, 5].map(time => conversation(String(time), time));
    const keeper = createConversationKeeper(() => storage);
    const lost = keeper.keep(all);
    expect(lost.length).toBeGreaterThan(0);
    expect(lost[0]).toBe('question 1');
    expect(keeper.keep(all)).toEqual([]);
    expect(kept(storage)[0]).toEqual(all.at(-1));
  });

  const good = conversation('a', 1);
  const [question, answer] = good.messages;
  it.each<[string, unknown]>([
    ['nothing', null],
    ['a list', []],
    ['no messages', { ...good, messages: [] }],
    ['a path in a circle', { ...good, messages: [{ ...question, parent: 1 }, answer] }],
    ['an answer to an answer', { ...good, messages: [question, answer, { ...answer, parent: 1 }] }],
    ['a choice that leads nowhere', { ...good, chosen: { '-1': 7 } }],
    ['a choice of another place', { ...good, chosen: { '-1': 1 } }],
    ['a picture from elsewhere', { ...good, messages: [{ ...question, pictures: [{ name: 'x', url: 'https://x' }] }] }],
    ['a status that is none', { ...good, messages: [question, { ...answer, status: 'x' }] }],
  ])('are left out where the storage holds %s', (_, value) => {
    const storage = memoryStorage();
    storage.setItem('duet-chat-a', JSON.stringify(value));
    expect(kept(storage)).toEqual([]);
  });

  it('are not kept where the browser forbids it, and nothing fails', () => {
    const keeper = createConversationKeeper(() => {
      throw new DOMException('denied', 'SecurityError');
    });
    expect(keeper.keep([good])).toEqual([]);
    expect(keeper.conversations).toEqual([]);
  });
});

describe('the message that is being written', () => {
  it('comes back with its pictures, and names those that did not fit', () => {
    const storage = memoryStorage(1500);
    const pictures = [picture(100), { ...picture(3000), name: 'large.png' }];
    writeDraft(
      guarded(() => storage),
      { ...emptyDraft, text: 'look', pictures },
    );
    const { draft, lost } = readDraft(guarded(() => storage));
    expect(draft).toEqual({ text: 'look', pictures: [pictures[0]], edits: null });
    expect(lost).toEqual(['large.png']);
  });

  it('does not bring back pictures that were removed', () => {
    const storage = memoryStorage();
    const before = { ...emptyDraft, pictures: [picture(10), picture(20)] };
    writeDraft(
      guarded(() => storage),
      before,
    );
    writeDraft(
      guarded(() => storage),
      { ...before, pictures: [before.pictures[1]!] },
      before,
    );
    expect(readDraft(guarded(() => storage)).draft.pictures).toEqual([before.pictures[1]]);
  });
});
