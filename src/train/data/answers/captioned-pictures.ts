/** Pictures with captions (the form of CC3M): a caption is answered by its picture. */
import { resolve } from 'node:path';
import { DuetError } from '../../../core/errors.ts';
import { deriveSeed, pick, seededRandom } from '../../../core/random.ts';
import { findPairs } from '../pairs.ts';
import { type AnswerForm, type AnswerSample, type AnswerSource, requestOf, targetOf } from './answer-source.ts';
import { readPicture } from './read-picture.ts';

export interface CaptionedPicturesOptions {
  /** Lower case, without the signs . ! " ( ) * # : ; ~, as CC3M's captions are cleaned. */
  readonly clean: boolean;
  /** Of every so many pictures one is asked for once more, in a sentence; 0: none. */
  readonly requestEvery: number;
  readonly seed: number;
}

/** @throws DuetError as `findPairs` does, and 'invalid-config' where requests are wanted and the model has no words for them */
export async function captionedPictures(
  folder: string,
  form: AnswerForm,
  { clean, requestEvery, seed }: CaptionedPicturesOptions,
  onWarning?: (message: string) => void,
): Promise<AnswerSource> {
  const { captions: template } = form.templates;
  if (requestEvery > 0 && !template) {
    throw new DuetError(
      'invalid-config',
      'data.requestEvery asks for requests in sentences, and the model has no promptTemplates.captions: write them into its config.json, or set it to 0',
    );
  }
  const { pairs, warnings } = await findPairs(folder);
  for (const warning of warnings) onWarning?.(`${folder}: ${warning}`);
  const items = pairs.flatMap(({ path, captions, repeats }) =>
    captions.flatMap(caption => new Array<{ path: string; caption: string }>(repeats).fill({ path, caption })),
  );
  const requests = template && requestEvery > 0 ? items.filter((_, index) => index % requestEvery === 0) : [];
  const sampleOf = (source: string, { path, caption }: (typeof items)[number]): AnswerSample => ({
    source,
    given: [],
    target: targetOf('', true, form),
    drawn: [{ picture: readPicture(resolve(folder, path)), caption }],
  });
  const words = (caption: string) => (clean ? cleanCaption(caption) : caption);
  return {
    size: items.length + requests.length,
    sample: index => {
      const item = items[index];
      if (item) return sampleOf(words(item.caption), item);
      const asked = requests[index - items.length]!;
      const phrasing = pick(seededRandom(deriveSeed(seed, index)), template!.draw);
      return sampleOf(requestOf(template!.system, phrasing.replaceAll('{caption}', words(asked.caption)), form), asked);
    },
  };
}

/** As CC3M's captions are read. */
function cleanCaption(caption: string): string {
  return caption
    .toLowerCase()
    .replaceAll(/[.!"()*#:;~]/g, ' ')
    .replaceAll(/\s{2,}/g, ' ')
    .trim();
}
