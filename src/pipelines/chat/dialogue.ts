/** Dialogues with pictures as prompts of the language model. */
import { DuetError } from '../../core/errors.ts';
import type { ImageInput } from '../../image/index.ts';
import type { VokenVocabulary } from '../../vokens/index.ts';

export type ContentPart =
  | { readonly type: 'text'; readonly text: string }
  /** A picture that was given or, in an answer, drawn. */
  | { readonly type: 'image'; readonly image: ImageInput };

export interface InterleavedMessage {
  readonly role: 'system' | 'user' | 'assistant';
  readonly content: string | readonly ContentPart[];
}

/** What stands around messages, pictures and answers. */
export interface PromptForm {
  readonly system: string;
  readonly user: string;
  readonly assistant: string;
  /** Between two messages. */
  readonly separator: string;
  /** In a picture's place; contains the image token. */
  readonly image: string;
  /** What stands in the place of a picture that the model drew: a placeholder, or its vokens. @default 'image' */
  readonly drawn?: 'image' | 'vokens' | undefined;
  /** How many exchanges are read, the present one among them. @default all */
  readonly exchanges?: number | undefined;
}

/** A dialogue as text, with a placeholder for each picture. */
export interface DialogueText {
  readonly text: string;
  /** Whether the tokens that begin a text are written in it already. @default false */
  readonly isFramed?: boolean;
  /** Whether the pictures stand in front of all, without placeholders in the text, and the text is framed whole. @default false */
  readonly picturesFirst?: boolean;
  /** In the order of their places. */
  readonly images: readonly ImageInput[];
}

const roles = ['system', 'user', 'assistant'] as const;

/**
 * The text that an answer goes on with.
 * @throws DuetError 'invalid-argument' as `checkDialogue` does
 */
export function dialogueText(
  messages: readonly InterleavedMessage[],
  form: PromptForm,
  vocabulary: VokenVocabulary,
): DialogueText {
  checkDialogue(messages, vocabulary);
  const isPlaced = ({ role }: InterleavedMessage) => role !== 'assistant' || form.drawn !== 'vokens';
  const vokens = vocabulary.vokens.map(({ name }) => name).join('');
  const dialogue = latest(
    messages.filter(({ role }) => role !== 'system'),
    form.exchanges,
  );
  const system = messages.filter(({ role }) => role === 'system');
  const own = system.map(({ content }) => written(content, form.image));
  const turns = dialogue.map(message => {
    const words = written(message.content, isPlaced(message) ? form.image : vokens);
    return `${message.role === 'user' ? form.user : form.assistant}${words}`;
  });
  return {
    text: `${own.length > 0 ? own.join('\n') : form.system}${[...turns, form.assistant.trimEnd()].join(form.separator)}`,
    images: [...system, ...dialogue].filter(isPlaced).flatMap(({ content }) => picturesOf(content)),
  };
}

/** Those from the user's `exchanges`th last words on. */
function latest(dialogue: readonly InterleavedMessage[], exchanges: number | undefined): readonly InterleavedMessage[] {
  const asked = dialogue.flatMap(({ role }, at) => (role === 'user' ? [at] : []));
  return dialogue.slice(exchanges === undefined ? 0 : (asked.at(-exchanges) ?? 0));
}

/**
 * The pictures of a dialogue, in their order.
 * @throws DuetError 'invalid-argument' if the dialogue does not end with the user's words, or names tokens that stand for pictures
 */
export function checkDialogue(messages: readonly InterleavedMessage[], vocabulary: VokenVocabulary): ImageInput[] {
  checkTurns(messages);
  const reserved = [...vocabulary.vokens, vocabulary.image].map(({ name }) => name);
  const parts = messages.flatMap(({ content }) => partsOf(content));
  for (const part of parts) {
    const found = part.type === 'text' ? reserved.find(name => part.text.includes(name)) : undefined;
    if (found) throw refused(`${found} stands for a picture; give pictures as parts { type: 'image', image }`);
  }
  return messages.flatMap(({ content }) => picturesOf(content));
}

function picturesOf(content: InterleavedMessage['content']): ImageInput[] {
  return partsOf(content).flatMap(part => (part.type === 'image' ? [part.image] : []));
}

/** @throws DuetError 'invalid-argument' if a role is unknown, or the dialogue does not end with the user's words */
export function checkTurns(messages: readonly Pick<InterleavedMessage, 'role'>[]): void {
  const wrong = messages.find(({ role }) => !roles.includes(role));
  if (wrong) throw refused(`A message's role is one of ${roles.join(', ')}, got ${JSON.stringify(wrong.role)}`);
  if (messages.findLast(({ role }) => role !== 'system')?.role !== 'user') {
    throw refused("The last message must be the user's: the model answers it");
  }
}

/** A message as one text, `image` in the place of each picture. */
export function written(content: InterleavedMessage['content'], image: string): string {
  return partsOf(content)
    .map(part => (part.type === 'text' ? part.text : image))
    .join('');
}

export function partsOf(content: InterleavedMessage['content']): readonly ContentPart[] {
  return typeof content === 'string' ? [{ type: 'text', text: content }] : content;
}

function refused(message: string): DuetError {
  return new DuetError('invalid-argument', message, { field: 'messages' });
}
