/** Measures of single answers: whether it draws, what it draws, whether what it says is true. */
import { deriveSeed, seededRandom } from '../../core/random.ts';
import { type Figure, rate } from '../../eval/report.ts';
import { median, psnr } from '../../eval/statistics.ts';
import { type Exchange, lastScene, type MakeExchange } from '../dialogues/dialogue.ts';
import { drawOne } from '../dialogues/draw.ts';
import { askAboutShown, describeShown, editShown, sampleExchange, situationOf } from '../dialogues/sample-dialogue.ts';
import { render } from '../scenes/render.ts';
import { groupsOf, type Scene, sceneGroups } from '../scenes/scene.ts';
import { ask, type ChatRun, forEachItem, picturesOf, shown, wordsOf } from './run.ts';

/** `count` exchanges of any kind, or of one maker, about held-out scenes and without anything before them. */
export function exchangesOf(
  { seed, count }: Pick<ChatRun, 'seed' | 'count'>,
  salt: number,
  makers?: readonly MakeExchange[],
): Exchange[] {
  const random = seededRandom(deriveSeed(seed, salt));
  return Array.from({ length: count }, () => sampleExchange(situationOf(undefined, true), random, makers));
}

/** Pictures where there should be some, and none where there should be none. */
export async function draws(run: ChatRun): Promise<Figure> {
  const exchanges = exchangesOf(run, 1);
  const right = await forEachItem(run, 'draws', exchanges, async ({ user, assistant }, seed) => {
    const answer = await ask(run, [{ role: 'user', content: shown(user, run.sprites) }], seed);
    return picturesOf(answer).length > 0 === (lastScene(assistant) !== undefined);
  });
  return figure('draws when asked, and only then', right, 0.99);
}

/** What is drawn when one picture is asked for, in any wording: the right scene, and how near to its true render. */
export async function textToImage(run: ChatRun): Promise<Figure[]> {
  const exchanges = exchangesOf(run, 2, [drawOne]);
  const items = await forEachItem(run, 'text-to-image', exchanges, async ({ user, assistant }, seed, index) => {
    const truth = lastScene(assistant)!;
    const [picture] = picturesOf(await ask(run, [{ role: 'user', content: shown(user, run.sprites) }], seed));
    return {
      truth,
      isRight: picture !== undefined && run.judge.judge(picture, truth, index).right,
      // A picture that is not there is as far from the true one as can be.
      psnr: picture ? psnr(picture, render(truth, run.sprites)) : 0,
    };
  });
  const groups = sceneGroups.map(
    group => [group, items.filter(({ truth }) => groupsOf(truth).includes(group))] as const,
  );
  const each = <T>(of: (own: typeof items) => T) =>
    Object.fromEntries(groups.filter(([, own]) => own.length > 0).map(([group, own]) => [group, of(own)]));
  const distance = (own: typeof items) => ({ value: median(own.map(item => item.psnr)), count: own.length });
  const isRight = (own: typeof items) => rate(own.filter(item => item.isRight).length, own.length);
  return [
    {
      name: 'text to image by vokens',
      unit: '%',
      heldOut: isRight(items),
      byKind: each(isRight),
      floor: 0.95,
    },
    {
      name: 'drawn picture to true render, median PSNR',
      unit: 'dB',
      heldOut: distance(items),
      byKind: each(distance),
      floor: 25,
    },
  ];
}

/** Questions about a picture, and descriptions of it: word for word. */
export async function questions(run: ChatRun): Promise<Figure[]> {
  const asked = exchangesOf(run, 3, [askAboutShown]);
  const described = exchangesOf(run, 4, [describeShown]);
  const right = await forEachItem(run, 'questions', [...asked, ...described], async ({ user, assistant }, seed) => {
    const answer = await ask(run, [{ role: 'user', content: shown(user, run.sprites) }], seed);
    return picturesOf(answer).length === 0 && wordsOf(answer).trim() === wordsOf(shown(assistant, run.sprites));
  });
  return [
    figure('questions about a picture', right.slice(0, asked.length), 0.95),
    figure('descriptions of a picture', right.slice(asked.length)),
  ];
}

/** Requests for a picture, each with a change of what was drawn. */
export function editItems({ seed, count }: Pick<ChatRun, 'seed' | 'count'>) {
  const random = seededRandom(deriveSeed(seed, 5));
  return Array.from({ length: count }, () => {
    for (;;) {
      const first = sampleExchange(situationOf(undefined, true), random, [drawOne]);
      const second = sampleExchange(situationOf(lastScene(first.assistant), true), random, [editShown]);
      // Not of a picture that the user gives.
      if (second.user.every(({ type }) => type === 'text')) return { first, second };
    }
  });
}

/** A picture is asked for, then changed; the second answer must show the changed scene. */
export async function edits(run: ChatRun): Promise<Figure> {
  const right = await forEachItem(run, 'edits', editItems(run), async ({ first, second }, seed, index) => {
    const asked = { role: 'user', content: shown(first.user, run.sprites) } as const;
    const answered = { role: 'assistant', content: await ask(run, [asked], seed) } as const;
    const changed = { role: 'user', content: shown(second.user, run.sprites) } as const;
    const [picture] = picturesOf(await ask(run, [asked, answered, changed], seed));
    const truth = lastScene(second.assistant) as Scene;
    return picture !== undefined && run.judge.judge(picture, truth, index).right;
  });
  return figure('changes over two turns', right, 0.85);
}

export function figure(name: string, right: readonly boolean[], floor?: number): Figure {
  const heldOut = rate(right.filter(Boolean).length, right.length);
  return { name, unit: '%', heldOut, ...(floor !== undefined && { floor }) };
}
