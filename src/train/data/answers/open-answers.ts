/** The data of the stage `minigpt5`. */
import { DuetError } from '../../../core/errors.ts';
import type { AnswerData } from '../../data-config.ts';
import type { AnswerForm, AnswerSource } from './answer-source.ts';
import { captionedPictures } from './captioned-pictures.ts';
import { conversationAnswers } from './conversations.ts';
import { messageAnswers } from './messages.ts';
import { storyAnswers } from './stories.ts';

/** @throws DuetError 'invalid-argument' | 'invalid-config' as the sources do, and if there is nothing to learn */
export async function openAnswers(
  data: AnswerData,
  form: AnswerForm,
  seed: number,
  onWarning?: (message: string) => void,
): Promise<AnswerSource> {
  const source = await open(data, form, seed, onWarning);
  if (source.size === 0) throw new DuetError('invalid-argument', `${data.path} holds no answer to learn`);
  return source;
}

function open(
  data: AnswerData,
  form: AnswerForm,
  seed: number,
  onWarning: ((message: string) => void) | undefined,
): Promise<AnswerSource> {
  switch (data.source) {
    case 'captions':
      return captionedPictures(data.path, form, { ...data, seed }, onWarning);
    case 'stories':
      return storyAnswers(data.path, data.split, form, seed);
    case 'conversations':
      return conversationAnswers(data.path, data.split, form, onWarning);
    case 'messages':
      return messageAnswers(data.path, form);
  }
}
