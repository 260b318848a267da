/** Dialogues of one's own: a JSON object a line, `{"messages": [{"role", "content"}]}`; every answer is learned. */
import { dirname } from 'node:path';
import Type from 'typebox';
import { DuetError } from '../../../core/errors.ts';
import { type AnswerForm, type AnswerSample, type AnswerSource, type DrawnPicture, targetOf } from './answer-source.ts';
import { jsonLines } from './json-lines.ts';
import { fileWithin, readPicture } from './read-picture.ts';

const partSchema = Type.Union([
  Type.Object({ type: Type.Literal('text'), text: Type.String() }, { additionalProperties: false }),
  Type.Object(
    {
      type: Type.Literal('image'),
      /** A path, relative to the file. */
      image: Type.String({ minLength: 1 }),
      /** What it shows. */
      caption: Type.Optional(Type.String()),
    },
    { additionalProperties: false },
  ),
]);
const dialogueSchema = Type.Object({
  messages: Type.Array(
    Type.Object({
      role: Type.Union([Type.Literal('system'), Type.Literal('user'), Type.Literal('assistant')]),
      content: Type.Union([Type.String(), Type.Array(partSchema)]),
    }),
    { minItems: 1 },
  ),
});

type Message = Type.Static<typeof dialogueSchema>['messages'][number];
type Part = Type.Static<typeof partSchema>;

/** @throws DuetError 'invalid-argument' naming file and line */
export async function messageAnswers(file: string, form: AnswerForm): Promise<AnswerSource> {
  const items: { readonly messages: readonly Message[]; readonly at: number; readonly origin: string }[] = [];
  for (const { value, origin } of await jsonLines(file, dialogueSchema)) {
    const { messages } = value;
    const answers = messages.flatMap(({ role }, at) => (role === 'assistant' ? [at] : []));
    if (answers.length === 0)
      throw new DuetError('invalid-argument', `${origin} has no answer: no message of the assistant`);
    if (answers.includes(0)) throw new DuetError('invalid-argument', `${origin} begins with an answer`);
    const late = messages.findIndex(({ role }, at) => role === 'system' && at > 0);
    if (late > 0)
      throw new DuetError(
        'invalid-argument',
        `${origin}: message ${late + 1} is the system's, which must be the first`,
      );
    items.push(...answers.map(at => ({ messages, at, origin })));
  }
  const folder = dirname(file);
  return {
    size: items.length,
    sample: index => {
      const { messages, at, origin } = items[index]!;
      return sampleOf(messages.slice(0, at), messages[at]!, form, path =>
        readPicture(fileWithin(folder, path, origin)),
      );
    },
  };
}

function sampleOf(
  before: readonly Message[],
  answer: Message,
  form: AnswerForm,
  read: (path: string) => DrawnPicture['picture'],
): AnswerSample {
  const { prompt, vokens } = form;
  const isSystem = before[0]?.role === 'system';
  const turns = isSystem ? before.slice(1) : before;
  const asVokens = (role: Message['role']) => role === 'assistant' && prompt.drawn === 'vokens';
  const written = ({ role, content }: Message) =>
    `${role === 'user' ? prompt.user : prompt.assistant}${textOf(content, asVokens(role) ? vokens : prompt.image)}`;
  const system = isSystem ? textOf(before[0]!.content, prompt.image) : prompt.system;
  const answered = picturesOf(answer.content);
  return {
    source: `${system}${[...turns.map(written), prompt.assistant.trimEnd()].join(prompt.separator)}`,
    given: before.flatMap(({ role, content }) =>
      asVokens(role) ? [] : picturesOf(content).map(({ image }) => read(image)),
    ),
    target: targetOf(textOf(answer.content, vokens), false, form),
    drawn: answered.map(({ image, caption }) => ({ picture: read(image), ...(caption !== undefined && { caption }) })),
  };
}

function partsOf(content: Message['content']): readonly Part[] {
  return typeof content === 'string' ? [{ type: 'text', text: content }] : content;
}

function textOf(content: Message['content'], image: string): string {
  return partsOf(content)
    .map(part => (part.type === 'text' ? part.text : image))
    .join('');
}

function picturesOf(content: Message['content']) {
  return partsOf(content).flatMap(part => (part.type === 'image' ? [part] : []));
}
