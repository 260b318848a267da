/** What of a conversation a request tells the model: the latest exchanges that fit into it. Pure. */
import type { InputPicture } from '../form.ts';
import type { Capabilities } from '../wire.ts';
import type { AnswerPart } from './answer-parts.ts';
import { type Conversation, type Message, pathTo } from './conversation.ts';

/** A part of a message; a picture by its address or data URL. */
export type ToldPart =
  | { readonly type: 'text'; readonly text: string }
  | { readonly type: 'image'; readonly image: string };

export interface ToldMessage {
  readonly id: number;
  readonly role: Message['role'];
  readonly content: readonly ToldPart[];
}

/**
 * The messages up to a question. A question without an answer, as of one that failed, is left out: the model answers the last one.
 * @param tells whether pictures are told, also the model's own
 */
export function toldMessages(conversation: Conversation, question: number, tells: boolean): readonly ToldMessage[] {
  const path = pathTo(conversation, question);
  const told = path.map(id => ({ id, ...toldMessage(conversation.messages[id]!, tells) }));
  return told.filter(
    ({ id, role, content }, place) =>
      id === question || (content.length > 0 && (role === 'assistant' || told[place + 1]!.content.length > 0)),
  );
}

function toldMessage(message: Message, tells: boolean): Omit<ToldMessage, 'id'> {
  const { role } = message;
  const content = role === 'user' ? [...message.pictures.map(pictureGiven), ...words(message.text)] : ownParts(message);
  return { role, content: content.filter(part => tells || part.type === 'text') };
}

const pictureGiven = ({ url }: InputPicture): ToldPart => ({ type: 'image', image: url });
const words = (text: string): readonly ToldPart[] => (text === '' ? [] : [{ type: 'text', text }]);

function ownParts({ parts }: { readonly parts: readonly AnswerPart[] }): readonly ToldPart[] {
  return parts.flatMap((part): readonly ToldPart[] => {
    if (part.type === 'text') return words(part.text);
    const image = part.url ?? part.preview;
    return image === null ? [] : [{ type: 'image', image }];
  });
}

type Limits = Capabilities['limits'];

/** The latest of `told` that fit into one request. The last message is always among them: the server says what is wrong with it. */
export function latestThatFit(told: readonly ToldMessage[], limits: Limits): readonly ToldMessage[] {
  const starts = told.flatMap(({ role }, place) => (role === 'user' ? [place] : []));
  const start = starts.find(place => fits(told.slice(place), limits)) ?? starts.at(-1) ?? 0;
  return told.slice(start);
}

/** The id of the message from which on a model reads that reads only the last `exchanges`; null where it reads all of `told`. */
export function firstRead(told: readonly ToldMessage[], exchanges: number | undefined): number | null {
  const asked = told.filter(({ role }) => role === 'user');
  const first = exchanges === undefined ? undefined : asked.at(-exchanges);
  return first === undefined || first === told[0] ? null : first.id;
}

/** Room for what stands around the messages. */
const bytesBeside = 4096;

function fits(told: readonly ToldMessage[], limits: Limits): boolean {
  const parts = told.flatMap(({ content }) => content);
  const pictures = parts.filter(({ type }) => type === 'image').length;
  const characters = parts.reduce((sum, part) => sum + (part.type === 'text' ? part.text.length : 0), 0);
  const bytes = bytesBeside + new TextEncoder().encode(JSON.stringify(told)).length;
  const isWithin = (count: number, most: number | undefined) => most === undefined || count <= most;
  return (
    isWithin(told.length, limits.messages) &&
    isWithin(pictures, limits.message_pictures) &&
    isWithin(characters, limits.message_characters) &&
    isWithin(bytes, limits.request_bytes)
  );
}
