/**
 * Runs a chat model through all its measures, on held-out scenes, everything seeded.
 *
 * - draws: dialogues of every kind; a picture where there should be one, and none elsewhere.
 * - text to image: one picture, asked for in any wording; nearest of 1000 renders, and PSNR to the true one, by kind.
 * - questions and descriptions of a given picture: the true answer, word for word.
 * - changes: a picture that the model drew is changed; nearest of 1000 renders.
 * - stories: all pictures show what their sentences say.
 * - odd requests: a hundred of them; whether it draws is checked here, their answers are for looking at.
 */
import { deriveSeed } from '../../core/random.ts';
import type { ChatPart, EvalChat } from '../../eval/chat-model.ts';
import { type Figure, rate } from '../../eval/report.ts';
import { pictureJudge } from '../judge/judge.ts';
import { type SceneFeatures, sceneFeatures } from '../judge/scene-features.ts';
import type { SpriteSheet } from '../scenes/sprites.ts';
import { draws, edits, questions, textToImage } from './answers.ts';
import { type OddRequest, oddRequests } from './odd-requests.ts';
import { ask, type ChatMeasureName, type ChatRun, chatMeasureNames, forEachItem, picturesOf } from './run.ts';
import { stories } from './stories.ts';

export interface ChatEvaluateOptions {
  readonly sprites: SpriteSheet;
  /** Blurred renders to go on with, from an earlier evaluation with the same sprites. */
  readonly known?: SceneFeatures;
  /** Seeds scenes, wordings, distractors and answers. @default 20_000 */
  readonly seed?: number;
  /** Items of each measure. @default 500 */
  readonly count?: number;
  /** @default all */
  readonly measures?: readonly ChatMeasureName[];
  /** Dialogues that are answered at the same time. @default 16 */
  readonly atOnce?: number;
  readonly signal?: AbortSignal;
  readonly onProgress?: ChatRun['onProgress'];
}

export interface ChatEvaluation {
  readonly figures: readonly Figure[];
  /** Odd requests with their answers, for looking at. */
  readonly odd: readonly { readonly request: OddRequest; readonly answer: readonly ChatPart[] }[];
}

export async function evaluateChat(model: EvalChat, options: ChatEvaluateOptions): Promise<ChatEvaluation> {
  const { sprites, seed = 20_000, count = 500, measures = chatMeasureNames, atOnce = 16 } = options;
  const { signal, onProgress } = options;
  const judge = pictureJudge(options.known ?? sceneFeatures(sprites), deriveSeed(seed, 7));
  const run: ChatRun = { model, sprites, judge, seed, count, atOnce, signal, onProgress };
  const wanted = (name: ChatMeasureName) => measures.includes(name);
  const odd = wanted('odd') ? await answerOdd(run) : [];
  return {
    figures: [
      ...(wanted('draws') ? [await draws(run)] : []),
      ...(wanted('text-to-image') ? await textToImage(run) : []),
      ...(wanted('questions') ? await questions(run) : []),
      ...(wanted('edits') ? [await edits(run)] : []),
      ...(wanted('stories') ? [await stories(run)] : []),
      ...(wanted('odd') ? [oddFigure(odd)] : []),
    ],
    odd,
  };
}

function answerOdd(run: ChatRun): Promise<ChatEvaluation['odd'][number][]> {
  return forEachItem(run, 'odd', oddRequests, async (request, seed) => {
    const content: ChatPart[] = request.words === '' ? [] : [{ type: 'text', text: request.words }];
    return { request, answer: await ask(run, [{ role: 'user', content }], seed) };
  });
}

function oddFigure(odd: ChatEvaluation['odd']): Figure {
  const right = odd.filter(({ request: { draws: should }, answer }) => {
    if (answer.length === 0) return false;
    return should === undefined || picturesOf(answer).length > 0 === should;
  });
  return {
    name: 'odd requests, an answer of the right kind',
    unit: '%',
    overall: rate(right.length, odd.length),
    floor: 1,
  };
}
