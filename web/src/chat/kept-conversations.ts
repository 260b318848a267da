/**
 * Conversations over reloads and windows, in the browser's local storage. Pictures are the server's, as those of the gallery: what
 * is kept of them are their addresses. Only what the server does not have, such as unfinished pictures, is kept as it is,
 * while there is room.
 */
import { guarded, isRecord, parsed } from '../guarded-storage.ts';
import { type Conversation, isEmpty, isPending, type Message, titleOf } from './conversation.ts';

const prefix = 'duet-chat-';
const mostKept = 100;

export interface ConversationKeeper {
  /** The latest first. */
  readonly conversations: readonly Conversation[];
  /** Writes what differs from what was kept before. Gives the titles of those that had to go, as there was no room. */
  keep(conversations: readonly Conversation[]): readonly string[];
  /** What another window has made of the conversation of a storage entry; without one, removed it. undefined: the entry is none. */
  changed(key: string): { readonly id: string; readonly conversation?: Conversation } | undefined;
}

export function createConversationKeeper(open: () => Storage): ConversationKeeper {
  const storage = guarded(open);
  const read = (key: string) => (key.startsWith(prefix) ? readConversation(storage.read(key)) : undefined);
  const found = storage.keys().flatMap(key => read(key) ?? []);
  const kept = new Map(found.map(conversation => [conversation.id, conversation]));
  /** Those that had to go and have not changed since: they are in sight until the page is left. */
  const dropped = new WeakSet<Conversation>();
  const drop = (conversation: Conversation) => {
    dropped.add(conversation);
    kept.delete(conversation.id);
    storage.remove(prefix + conversation.id);
    return titleOf(conversation);
  };
  return {
    conversations: byTime(found).map(interrupted),
    changed(key) {
      if (!key.startsWith(prefix)) return undefined;
      const id = key.slice(prefix.length);
      const conversation = read(key);
      if (conversation) kept.set(id, conversation);
      else kept.delete(id);
      return { id, ...(conversation && { conversation }) };
    },
    keep(conversations) {
      const gone = [...kept.keys()].filter(id => !conversations.some(conversation => conversation.id === id));
      for (const id of gone) {
        kept.delete(id);
        storage.remove(prefix + id);
      }
      const lost: string[] = [];
      for (const conversation of conversations) {
        const isKept = kept.get(conversation.id) === conversation;
        if (isKept || isEmpty(conversation) || dropped.has(conversation)) continue;
        kept.set(conversation.id, conversation);
        lost.push(...write(conversation));
      }
      return [
        ...lost,
        ...byTime([...kept.values()])
          .slice(mostKept)
          .map(drop),
      ];
    },
  };

  /** Older ones make room, whose titles it gives. */
  function write(conversation: Conversation): string[] {
    const texts = [conversation, withoutData(conversation)].map(value => JSON.stringify(value));
    const others = byTime([...kept.values()].filter(({ id }) => id !== conversation.id));
    const lost: string[] = [];
    while (!texts.some(text => storage.write(prefix + conversation.id, text))) {
      const oldest = others.pop();
      if (!oldest) break;
      lost.push(drop(oldest));
    }
    return lost;
  }
}

function withoutData(conversation: Conversation): Conversation {
  const address = (url: string) => (url.startsWith('data:') ? '' : url);
  const messages = conversation.messages.map((message): Message => {
    if (message.role === 'user') {
      return { ...message, pictures: message.pictures.map(picture => ({ ...picture, url: address(picture.url) })) };
    }
    return { ...message, parts: message.parts.filter(part => part.type === 'text' || part.url !== null) };
  });
  return { ...conversation, messages };
}

/** Nobody knows whether the server got what was on its way when the page was left: the same key asks again for the same job. */
function interrupted(conversation: Conversation): Conversation {
  const fault = { code: 'interrupted', message: 'The page was left while this was being sent.' };
  const messages = conversation.messages.map(
    (message): Message =>
      message.role === 'assistant' && isPending(message) && message.jobId === null
        ? { ...message, status: 'failed', fault }
        : message,
  );
  return { ...conversation, messages };
}

export function byTime(conversations: readonly Conversation[]): Conversation[] {
  return conversations.toSorted((a, b) => b.changed - a.changed);
}

function readConversation(text: string | null): Conversation | undefined {
  return parsed(text, isConversation);
}

function isConversation(value: unknown): value is Conversation {
  if (!isRecord(value) || typeof value['id'] !== 'string' || !Number.isFinite(value['changed'])) return false;
  const { messages, chosen } = value;
  if (!Array.isArray(messages) || messages.length === 0 || !isRecord(chosen)) return false;
  return messages.every((message, id) => isMessage(message, id, messages)) && isChoice(chosen, messages);
}

/** Parents come before their children, so that no path leads in a circle. */
function isMessage(value: unknown, id: number, all: readonly unknown[]): boolean {
  if (!isRecord(value)) return false;
  const { role, parent } = value;
  const before = Number.isInteger(parent) && Number(parent) >= 0 && Number(parent) < id ? all[Number(parent)] : null;
  const roleBefore = isRecord(before) ? before['role'] : undefined;
  if (role === 'user') {
    const { text, pictures } = value;
    const follows = parent === null || roleBefore === 'assistant';
    return follows && typeof text === 'string' && Array.isArray(pictures) && pictures.every(isPicture);
  }
  return role === 'assistant' && roleBefore === 'user' && isAnswer(value);
}

const states: readonly unknown[] = ['sending', 'running', 'done', 'stopped', 'failed', 'lost'];

function isAnswer({ status, key, jobId, parts, fault, isCut, from, took }: Record<string, unknown>): boolean {
  const isFault = fault === null || (isRecord(fault) && isText(fault['code']) && isText(fault['message']));
  const isNumber = (value: unknown) => value === null || Number.isFinite(value);
  return (
    states.includes(status) &&
    isText(key) &&
    (jobId === null || isText(jobId)) &&
    Array.isArray(parts) &&
    parts.every(isPart) &&
    isFault &&
    typeof isCut === 'boolean' &&
    isNumber(from) &&
    isNumber(took)
  );
}

function isPart(value: unknown): boolean {
  if (!isRecord(value)) return false;
  const { type, text, index, seed, url, preview } = value;
  if (type === 'text') return isText(text);
  const isAddress = (address: unknown) => address === null || isPictureUrl(address);
  return type === 'image' && Number.isInteger(index) && Number.isFinite(seed) && isAddress(url) && isAddress(preview);
}

function isPicture(value: unknown): boolean {
  return isRecord(value) && isText(value['name']) && isPictureUrl(value['url']);
}

/** A file of a job, a picture itself, or nothing. */
function isPictureUrl(url: unknown): boolean {
  return isText(url) && (url === '' || /^(data:image\/|\/v1\/jobs\/)/.test(url));
}

function isText(value: unknown): value is string {
  return typeof value === 'string';
}

function isChoice(chosen: Record<string, unknown>, messages: readonly unknown[]): boolean {
  return Object.entries(chosen).every(([behind, id]) => {
    const message = Number.isInteger(id) ? messages[Number(id)] : undefined;
    return isRecord(message) && String(message['parent'] ?? -1) === behind;
  });
}
