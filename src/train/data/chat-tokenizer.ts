/** The tokenizer of the stage `chat`: its special tokens, how it is made of dialogues, and its file. */
import { DuetError } from '../../core/errors.ts';
import { readJsonFile } from '../../core/json-file.ts';
import type { MiniGpt5Config } from '../../pipelines/chat/minigpt5/config.ts';
import { JsonTokenizer } from '../../tokenizer/index.ts';
import type { DialogueSource } from './dialogue-source.ts';
import type { DialogueForm } from './dialogue-tokens.ts';
import { type ByteLevelTokenizer, trainByteLevel } from './train-byte-level.ts';

/** In front of what the user says and of answers, and in the place of a picture that is given. */
export const marks = { user: '<|user|>', assistant: '<|assistant|>', image: '<|image|>' } as const;

const vokenName = (index: number) => `[IMG${index}]`;

/** Dialogues that the tokenizer learns from, at most. */
const dialogues = 20_000;

export async function trainChatTokenizer(
  source: DialogueSource,
  { vokens, vocabularySize }: { readonly vokens: number; readonly vocabularySize: number },
): Promise<ByteLevelTokenizer> {
  const texts: string[] = [];
  for (let index = 0; index < Math.min(dialogues, source.size); index++) {
    const parts = (await source.dialogue(index)).flatMap(({ content }) => content);
    texts.push(...parts.flatMap(part => (part.type === 'text' ? [part.text] : [])));
  }
  const special = [...Object.values(marks), ...Array.from({ length: vokens }, (_, index) => vokenName(index))];
  return trainByteLevel(texts, { vocabularySize, special });
}

export interface ChatTokenizer {
  /** The tokenizer.json. */
  readonly json: unknown;
  readonly vocabularySize: number;
  readonly vocabulary: MiniGpt5Config['vocabulary'];
  /** The user's mark, which ends an answer. */
  readonly end: { readonly name: string; readonly id: number };
  readonly form: Omit<DialogueForm, 'vectors'>;
}

/** @throws DuetError 'invalid-config' if the file is no tokenizer or lacks a special token */
export async function readChatTokenizer(file: string, vokens: number): Promise<ChatTokenizer> {
  const json = await readJsonFile(file);
  const tokenizer = new JsonTokenizer(json, file);
  const token = (name: string) => {
    const id = tokenizer.idOf(name);
    if (id === undefined) throw new DuetError('invalid-config', `${file} lacks the token ${name}`);
    return { name, id };
  };
  const vocabulary = {
    vokens: Array.from({ length: vokens }, (_, index) => token(vokenName(index))),
    image: token(marks.image),
  };
  token(marks.assistant);
  return {
    json,
    vocabularySize: tokenizer.vocabularySize,
    vocabulary,
    end: token(marks.user),
    form: {
      user: marks.user,
      assistant: marks.assistant,
      encode: text => tokenizer.encode(text, { framed: false }),
      vokens: vocabulary.vokens.map(({ id }) => id),
    },
  };
}
