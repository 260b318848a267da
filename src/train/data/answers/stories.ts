/**
 * Stories of pictures with captions (the form of VIST): from the steps before, a model draws the next one, goes on in words and
 * picture, or says what a picture tells.
 */
import { join } from 'node:path';
import Type from 'typebox';
import { Value } from 'typebox/value';
import { DuetError } from '../../../core/errors.ts';
import { readJsonFile } from '../../../core/json-file.ts';
import { deriveSeed, pick, seededRandom } from '../../../core/random.ts';
import { type AnswerForm, type AnswerSample, type AnswerSource, targetOf } from './answer-source.ts';
import { fileWithin, readPicture } from './read-picture.ts';

const stepSchema = Type.Object({
  caption: Type.String(),
  image_id: Type.Union([Type.String(), Type.Number()]),
  sequence_index: Type.Integer(),
});
const storiesSchema = Type.Record(Type.String(), Type.Array(stepSchema));
const picturesSchema = Type.Record(Type.String(), Type.String());

interface Step {
  readonly caption: string;
  readonly file: string;
}

const tasks = ['draw', 'next', 'tell'] as const;

/**
 * Reads `{split}_cleaned.json`, which has the steps of each story, and `{split}_image_mapping.json`, which has the paths of
 * pictures, relative to the folder.
 * @throws DuetError 'invalid-argument' naming the file and what is wrong with it; 'invalid-config' if the model has no words for
 *   stories
 */
export async function storyAnswers(
  folder: string,
  split: string,
  form: AnswerForm,
  seed: number,
): Promise<AnswerSource> {
  const { stories: templates } = form.templates;
  if (!templates) {
    throw new DuetError('invalid-config', 'The model has no promptTemplates.stories: write them into its config.json');
  }
  const stories = await readStories(folder, split);
  const items = stories.flatMap(steps =>
    // The first step has nothing that it could go on from.
    steps.flatMap((_, at) => tasks.filter(task => task === 'draw' || at > 0).map(task => ({ steps, at, task }))),
  );
  return {
    size: items.length,
    sample: index => {
      const { steps, at, task } = items[index]!;
      const phrasing = pick(seededRandom(deriveSeed(seed, index)), templates[task]);
      return sampleOf(steps, at, task, { system: templates.system, phrasing, form });
    },
  };
}

interface Words {
  readonly system: string;
  readonly phrasing: string;
  readonly form: AnswerForm;
}

function sampleOf(
  steps: readonly Step[],
  at: number,
  task: (typeof tasks)[number],
  { system, phrasing, form }: Words,
): AnswerSample {
  const { prompt } = form;
  const { caption, file } = steps[at]!;
  const before = steps.slice(0, at);
  const history = before.map(step => `${step.caption}${prompt.image}`).join('');
  const request = phrasing.replaceAll('{caption}', caption) + (task === 'tell' ? ` ${prompt.image}` : '');
  // What came before stands right behind the user's mark, one line, as the original writes it.
  const asked = history === '' ? `${prompt.user}${request}` : `${prompt.user.trimEnd()}${history}\n ${request}`;
  const picture = readPicture(file);
  return {
    source: `${system}${asked}${prompt.separator}${prompt.assistant.trimEnd()}`,
    given: [...before.map(step => readPicture(step.file)), ...(task === 'tell' ? [picture] : [])],
    target: targetOf(task === 'draw' ? '' : caption, task !== 'tell', form),
    drawn: task === 'tell' ? [] : [{ picture, caption }],
  };
}

async function readStories(folder: string, split: string): Promise<Step[][]> {
  const files = {
    stories: join(folder, `${split}_cleaned.json`),
    pictures: join(folder, `${split}_image_mapping.json`),
  };
  const stories = await readJsonFile(files.stories, 'invalid-argument');
  const pictures = await readJsonFile(files.pictures, 'invalid-argument');
  if (!Value.Check(storiesSchema, stories)) throw wrong(files.stories, storiesSchema, stories);
  if (!Value.Check(picturesSchema, pictures)) throw wrong(files.pictures, picturesSchema, pictures);
  return Object.entries(stories).map(([story, steps]) =>
    [...steps]
      .sort((a, b) => a.sequence_index - b.sequence_index)
      .map(({ caption, image_id: id }) => {
        const path = Object.hasOwn(pictures, `${id}`) ? pictures[`${id}`]! : undefined;
        if (path === undefined) {
          throw new DuetError('invalid-argument', `${files.pictures} lacks the picture ${id} of the story ${story}`);
        }
        return { caption, file: fileWithin(folder, path, files.pictures) };
      }),
  );
}

function wrong(file: string, schema: Type.TSchema, value: unknown): DuetError {
  const [first] = Value.Errors(schema, value);
  return new DuetError(
    'invalid-argument',
    `${file}: ${first?.instancePath || 'the whole file'} ${first?.message ?? ''}`,
  );
}
