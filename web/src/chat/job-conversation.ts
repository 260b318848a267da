/** The conversation that a job was asked in, from what the server keeps of it: jobs of other windows and of programs too. Pure. */
import type { JobState } from '../job-state.ts';
import type { WireMessage } from '../wire.ts';
import type { AnswerPart } from './answer-parts.ts';
import {
  type Answer,
  type Conversation,
  emptyConversation,
  type Question,
  withAnswer,
  withChange,
  withQuestion,
} from './conversation.ts';

/** @param id of the conversation. What a program said as the system is left out. */
export function conversationOf({ id: jobId, created, request }: JobState, id: string): Conversation {
  const spoken = (request.messages ?? []).filter(({ role }) => role !== 'system');
  let conversation = emptyConversation(id);
  for (const { role, content } of turnsOf(spoken)) {
    const last = conversation.messages.length - 1;
    if (role === 'user') {
      const question = { ...questionOf(content), parent: last < 0 ? null : last };
      conversation = withQuestion(conversation, question, '');
    } else {
      const asked = last < 0 ? withQuestion(conversation, { parent: null, text: '', pictures: [] }, '') : conversation;
      const change: Partial<Answer> = { status: 'done', parts: partsOf(content) };
      conversation = withChange<Answer>(asked, asked.messages.length - 1, change);
    }
  }
  const last = conversation.messages.length - 1;
  if (last < 0) return withAnswer(conversation, 0, '');
  return { ...withChange<Answer>(conversation, last, { status: 'running', jobId }), changed: created };
}

/** Messages of one role that follow each other are one. */
function turnsOf(messages: readonly WireMessage[]): WireMessage[] {
  const turns: WireMessage[] = [];
  for (const message of messages) {
    const before = turns.at(-1);
    if (before?.role !== message.role) turns.push(message);
    else turns[turns.length - 1] = { ...message, content: [...before.content, ...message.content] };
  }
  return turns;
}

function questionOf(content: WireMessage['content']): Omit<Question, 'role' | 'parent'> {
  const texts = content.flatMap(part => (part.type === 'text' ? [part.text] : []));
  const pictures = content.flatMap(part => (part.type === 'image' ? [part.image_url] : []));
  return { text: texts.join('\n'), pictures: pictures.map((url, place) => ({ name: `picture ${place + 1}`, url })) };
}

function partsOf(content: WireMessage['content']): readonly AnswerPart[] {
  let index = 0;
  return content.map(part =>
    part.type === 'text' ? part : { type: 'image', index: index++, seed: 0, url: part.image_url, preview: null },
  );
}
