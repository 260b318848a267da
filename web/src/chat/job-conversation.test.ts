import { expect, it } from 'vitest';
import { jobFromView } from '../job-state.ts';
import type { WireMessage } from '../wire.ts';
import { pathOf } from './conversation.ts';
import { conversationOf } from './job-conversation.ts';

const text = (words: string) => ({ type: 'text', text: words }) as const;
const image = (url: string) => ({ type: 'image', image_url: url }) as const;

function jobOf(messages: readonly WireMessage[]) {
  const urls = { get: '', events: '', cancel: '' };
  const unknown = { started: null, ended: null, queue_position: null, progress: null, result: null, error: null };
  return jobFromView({
    id: 'job_1',
    mode: 'chat',
    status: 'running',
    created: 7,
    request: { messages },
    urls,
    ...unknown,
  });
}

it('has what was said before a job, and the job as its last answer', () => {
  const conversation = conversationOf(
    jobOf([
      { role: 'system', content: [text('Be brief.')] },
      { role: 'user', content: [text('look'), image('/p0'), text('here')] },
      { role: 'assistant', content: [text('A fox. '), image('/p1')] },
      { role: 'user', content: [text('more')] },
      { role: 'user', content: [text('please')] },
    ]),
    'c',
  );
  const shown = pathOf(conversation).map(id => conversation.messages[id]);
  expect(shown).toMatchObject([
    { text: 'look\nhere', pictures: [{ name: 'picture 1', url: '/p0' }] },
    { status: 'done', parts: [text('A fox. '), { type: 'image', index: 0, url: '/p1' }] },
    { text: 'more\nplease' },
    { status: 'running', jobId: 'job_1' },
  ]);
  expect(conversation.changed).toBe(7000);
});

it('begins with an answer where the dialogue does', () => {
  const conversation = conversationOf(
    jobOf([
      { role: 'assistant', content: [text('Hello')] },
      { role: 'user', content: [text('hi')] },
    ]),
    'c',
  );
  expect(conversation.messages.map(({ role }) => role)).toEqual(['user', 'assistant', 'user', 'assistant']);
});
