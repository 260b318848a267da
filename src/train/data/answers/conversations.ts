/**
 * Conversations in which both sides are learned (the form of MMDialog): one JSON object a line with the turns, and pictures
 * beside the file, each under its key.
 */
import { join } from 'node:path';
import Type from 'typebox';
import { isFile } from '../../../pipelines/diffusers-folder.ts';
import { type AnswerForm, type AnswerSample, type AnswerSource, targetOf } from './answer-source.ts';
import { jsonLines } from './json-lines.ts';
import { fileWithin, readPicture } from './read-picture.ts';

const conversationSchema = Type.Object({
  conversation: Type.Array(
    Type.Object({
      turn: Type.Array(
        Type.Object({
          __TEXT__: Type.Optional(Type.String()),
          __MEDIA__: Type.Optional(Type.String({ minLength: 1 })),
        }),
      ),
    }),
  ),
});

/** Those in front of the first one without words, whose words are a file's name, or whose picture is missing. */
async function untilBroken(
  turns: readonly Turn[],
  onWarning: ((message: string) => void) | undefined,
): Promise<readonly Turn[]> {
  for (const [at, { text, file }] of turns.entries()) {
    if (text === '' || text.endsWith('.jpg')) return turns.slice(0, at);
    if (file === undefined || (await isFile(file))) continue;
    onWarning?.(`there is no ${file}: its conversation ends before it`);
    return turns.slice(0, at);
  }
  return turns;
}

interface Turn {
  readonly text: string;
  readonly file?: string;
}

/**
 * Reads `{split}/{split}_conversations.txt`. A conversation ends where a turn has no words; turns alternate between user and
 * model. Every turn but the first is an answer to those before it, of which as many are read as a window of two exchanges has.
 * @throws DuetError 'invalid-argument' naming file and line
 */
export async function conversationAnswers(
  folder: string,
  split: string,
  form: AnswerForm,
  onWarning?: (message: string) => void,
): Promise<AnswerSource> {
  const place = join(folder, split);
  const file = join(place, `${split}_conversations.txt`);
  const items: { readonly turns: readonly Turn[]; readonly at: number }[] = [];
  for (const { value, origin } of await jsonLines(file, conversationSchema)) {
    const all = value.conversation.map(({ turn }): Turn => {
      const text = turn
        .map(part => part.__TEXT__ ?? '')
        .join(' ')
        .trim();
      const key = turn.find(part => part.__MEDIA__ !== undefined)?.__MEDIA__;
      return { text, ...(key !== undefined && { file: fileWithin(place, `${key}.jpg`, origin) }) };
    });
    const turns = await untilBroken(all, onWarning);
    for (let at = 1; at < turns.length; at++) items.push({ turns, at });
  }
  const { system = '' } = form.templates.dialogues ?? {};
  return { size: items.length, sample: index => sampleOf(items[index]!, system, form) };
}

function sampleOf(
  { turns, at }: { readonly turns: readonly Turn[]; readonly at: number },
  system: string,
  form: AnswerForm,
): AnswerSample {
  const { prompt } = form;
  const before = turns.slice(firstOfWindow(at), at);
  const first = firstOfWindow(at);
  const marks = (index: number) => (index % 2 === 0 ? prompt.user : prompt.assistant);
  const written = before.map(
    ({ text, file }, index) => `${marks(first + index)}${text}${file === undefined ? '' : ` ${prompt.image}`}`,
  );
  const { text, file } = turns[at]!;
  const picture = file === undefined ? [] : [{ picture: readPicture(file) }];
  return {
    source: `${system}${[...written, marks(at).trimEnd()].join(' ')}`,
    given: before.flatMap(turn => (turn.file === undefined ? [] : [readPicture(turn.file)])),
    target: targetOf(text, file !== undefined, form),
    drawn: picture,
  };
}

/** When the second turn of the user has been answered, all before that turn is dropped: one to three turns remain. */
function firstOfWindow(at: number): number {
  return Math.max(0, 2 * Math.floor((at - 2) / 2));
}
