/**
 * A conversation, and what a person can do to it. Nothing that was said is lost: a message that is edited and an answer that is made
 * anew stand beside the former one, as another version. So it is a tree, of which one path is shown. Pure.
 */
import type { InputPicture } from '../form.ts';
import type { WireError } from '../wire.ts';
import type { AnswerPart } from './answer-parts.ts';

export interface Question {
  readonly role: 'user';
  /** The answer that it follows; null at the beginning. */
  readonly parent: number | null;
  readonly text: string;
  /** By data URLs until the server has them, then by their addresses. */
  readonly pictures: readonly InputPicture[];
}

export interface Answer {
  readonly role: 'assistant';
  /** The question. */
  readonly parent: number;
  /** `lost`: the server does not have its job any more. */
  readonly status: 'sending' | 'running' | 'done' | 'stopped' | 'failed' | 'lost';
  /** Under which the job is asked for: the same key again gives the same job. */
  readonly key: string;
  readonly jobId: string | null;
  /** What was written and drawn; of one that is running, the job knows it. */
  readonly parts: readonly AnswerPart[];
  readonly fault: WireError | null;
  /** It is as long as it may be, and might have gone on. */
  readonly isCut: boolean;
  /** The first message that the model was told, where earlier ones did not fit into a request. */
  readonly from: number | null;
  /** Milliseconds. */
  readonly took: number | null;
}

export type Message = Question | Answer;

export interface Conversation {
  readonly id: string;
  /** Milliseconds since 1970, as the time of the last change. */
  readonly changed: number;
  /** A message's id is its place here. */
  readonly messages: readonly Message[];
  /** Which of the messages behind one is shown, by its id; behind -1 is the beginning. */
  readonly chosen: Readonly<Record<number, number>>;
}

export function emptyConversation(id: string): Conversation {
  return { id, changed: 0, messages: [], chosen: {} };
}

export function isEmpty({ messages }: Conversation): boolean {
  return messages.length === 0;
}

const keyOf = (parent: number | null) => parent ?? -1;

/** The ids of the messages that are shown, in their order. */
export function pathOf({ chosen }: Conversation): readonly number[] {
  const path: number[] = [];
  for (let id = chosen[-1]; id !== undefined; id = chosen[id]) path.push(id);
  return path;
}

/** The path up to a message, itself among it. */
export function pathTo({ messages }: Conversation, id: number): readonly number[] {
  const path: number[] = [];
  for (let at: number | null = id; at !== null; at = messages[at]!.parent) path.unshift(at);
  return path;
}

/** The ids of a message and of those that stand in its place. */
export function versionsOf({ messages }: Conversation, id: number): readonly number[] {
  const parent = messages[id]?.parent;
  return messages.flatMap((message, other) => (message.parent === parent ? [other] : []));
}

function added(conversation: Conversation, message: Message): Conversation {
  const { messages, chosen } = conversation;
  return {
    ...conversation,
    messages: [...messages, message],
    chosen: { ...chosen, [keyOf(message.parent)]: messages.length },
  };
}

/** A question behind the answer `parent`, and its answer, which is being asked for. */
export function withQuestion(conversation: Conversation, question: Omit<Question, 'role'>, key: string): Conversation {
  const asked = added(conversation, { role: 'user', ...question });
  return withAnswer(asked, conversation.messages.length, key);
}

/** One more answer to a question. */
export function withAnswer(conversation: Conversation, question: number, key: string): Conversation {
  return added(conversation, { ...unanswered, parent: question, key });
}

const unanswered: Omit<Answer, 'parent' | 'key'> = {
  role: 'assistant',
  status: 'sending',
  jobId: null,
  parts: [],
  fault: null,
  isCut: false,
  from: null,
  took: null,
};

/** The answer as it is before anything came of it. */
export function askedAgain(conversation: Conversation, id: number, key: string): Conversation {
  return withChange(conversation, id, { ...unanswered, key });
}

export function withChange<T extends Message>(
  conversation: Conversation,
  id: number,
  change: Partial<T>,
): Conversation {
  const messages = conversation.messages.map((message, at) =>
    at === id ? ({ ...message, ...change } as Message) : message,
  );
  return { ...conversation, messages };
}

/** Shows the path that leads through a message, and on as it was shown before. */
export function withChosen(conversation: Conversation, id: number): Conversation {
  const chosen = { ...conversation.chosen };
  for (const at of pathTo(conversation, id)) chosen[keyOf(conversation.messages[at]!.parent)] = at;
  return { ...conversation, chosen };
}

/** The answer of the path that is not over. */
export function pendingIn(conversation: Conversation): number | undefined {
  const last = pathOf(conversation).at(-1);
  const message = last === undefined ? undefined : conversation.messages[last];
  return message?.role === 'assistant' && isPending(message) ? last : undefined;
}

export function isPending({ status }: Answer): boolean {
  return status === 'sending' || status === 'running';
}

const longestTitle = 60;

/** Its first words. */
export function titleOf({ messages, chosen }: Conversation): string {
  const first = messages[chosen[-1] ?? 0];
  if (first?.role !== 'user') return 'New conversation';
  const words = first.text.trim().replaceAll(/\s+/g, ' ');
  if (words === '') return 'A picture';
  const letters = [...words];
  return letters.length <= longestTitle ? words : `${letters.slice(0, longestTitle - 1).join('')}…`;
}
