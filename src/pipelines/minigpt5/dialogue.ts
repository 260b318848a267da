/** Dialogues with pictures as prompts of the language model. */
import { DuetError } from '../../core/errors.ts';
import type { ImageInput } from '../../image/index.ts';
import type { VokenVocabulary } from '../../vokens/index.ts';
import type { PromptForm } from './config.ts';

export type ContentPart =
  | { readonly type: 'text'; readonly text: string }
  /** A picture that was given or, in an answer, drawn. */
  | { readonly type: 'image'; readonly image: ImageInput };

export interface InterleavedMessage {
  readonly role: 'system' | 'user' | 'assistant';
  readonly content: string | readonly ContentPart[];
}

/** A dialogue as text, with a placeholder for each picture. */
export interface DialogueText {
  readonly text: string;
  /** In the order of their places. */
  readonly images: readonly ImageInput[];
}

const roles = ['system', 'user', 'assistant'] as const;

/**
 * The text that an answer goes on with.
 * @throws DuetError 'invalid-argument' if the dialogue does not end with the user's words, or names tokens that stand for pictures
 */
export function dialogueText(
  messages: readonly InterleavedMessage[],
  form: PromptForm,
  vocabulary: VokenVocabulary,
): DialogueText {
  const wrong = messages.find(({ role }) => !roles.includes(role));
  if (wrong) throw refused(`A message's role is one of ${roles.join(', ')}, got ${JSON.stringify(wrong.role)}`);
  const dialogue = messages.filter(({ role }) => role !== 'system');
  if (dialogue.at(-1)?.role !== 'user') throw refused("The last message must be the user's: the model answers it");
  const reserved = [...vocabulary.vokens, vocabulary.image].map(({ name }) => name);
  const parts = messages.flatMap(({ content }) => partsOf(content));
  for (const part of parts) {
    const found = part.type === 'text' ? reserved.find(name => part.text.includes(name)) : undefined;
    if (found) throw refused(`${found} stands for a picture; give pictures as parts { type: 'image', image }`);
  }
  const written = (content: InterleavedMessage['content']) =>
    partsOf(content)
      .map(part => (part.type === 'text' ? part.text : form.image))
      .join('');
  const own = messages.filter(({ role }) => role === 'system').map(({ content }) => written(content));
  const turns = dialogue.map(
    ({ role, content }) => `${role === 'user' ? form.user : form.assistant}${written(content)}`,
  );
  return {
    text: `${own.length > 0 ? own.join('\n') : form.system}${[...turns, form.assistant.trimEnd()].join(form.separator)}`,
    images: parts.flatMap(part => (part.type === 'image' ? [part.image] : [])),
  };
}

function partsOf(content: InterleavedMessage['content']): readonly ContentPart[] {
  return typeof content === 'string' ? [{ type: 'text', text: content }] : content;
}

function refused(message: string): DuetError {
  return new DuetError('invalid-argument', message, { field: 'messages' });
}
