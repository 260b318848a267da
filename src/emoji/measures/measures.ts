/** Each measure of the table as a function of a run; evaluate.ts says what they mean. */

import type { JointSample } from '../../eval/model.ts';
import { type Figure, type Measured, mean, rate } from '../../eval/report.ts';
import { partnerRanks, recalled } from '../../eval/retrieval.ts';
import { median, medianPsnr, psnr } from '../../eval/statistics.ts';
import { agrees, diversity, judgeCaption, type PictureJudge, type Verdict } from '../judge/judge.ts';
import type { SceneIndex } from '../judge/scene-index.ts';
import { isHeldOut } from '../scenes/held-out.ts';
import { parse } from '../scenes/parse.ts';
import { render } from '../scenes/render.ts';
import { groupsOf, type Scene, sceneGroups } from '../scenes/scene.ts';
import type { SpriteSheet } from '../scenes/sprites.ts';
import { bySplit, type Items, inBatches, itemsOf, type Run, type Split } from './run.ts';

/** What `measure` makes of the items of each group of scenes, for the groups that have some. */
function byKind<T>(
  items: readonly T[],
  sceneOf: (item: T) => Scene,
  measure: (own: readonly T[]) => Measured,
): NonNullable<Figure['byKind']> {
  const groups = sceneGroups.map(
    group => [group, items.filter(item => groupsOf(sceneOf(item)).includes(group))] as const,
  );
  return Object.fromEntries(groups.filter(([, own]) => own.length > 0).map(([group, own]) => [group, measure(own)]));
}

interface RateLine {
  readonly name: string;
  readonly floor?: number;
  readonly good: (verdict: Verdict) => boolean;
}

/** One figure per line, from the verdicts of both splits. */
function figuresOf(verdicts: Record<Split, readonly Verdict[]>, lines: readonly RateLine[]): Figure[] {
  const measured = (own: readonly Verdict[], good: RateLine['good']) => rate(own.filter(good).length, own.length);
  return lines.map(({ name, floor, good }) => ({
    name,
    unit: '%',
    seen: measured(verdicts.seen, good),
    heldOut: measured(verdicts.heldOut, good),
    byKind: byKind(
      verdicts.heldOut,
      ({ truth }) => truth,
      own => measured(own, good),
    ),
    ...(floor === undefined ? {} : { floor }),
  }));
}

/** Pictures of both splits, item by item. */
export type Drawn = Record<Split, readonly Uint8Array[]>;

/** The pictures that the model draws from both splits' captions. */
export function drawPictures(run: Run, items: Record<Split, Items>): Promise<Drawn> {
  return bySplit(split =>
    inBatches(run, 'text-to-image', split, run.count, (start, end, settings) =>
      run.model.textToImage(items[split].captions.slice(start, end), settings),
    ),
  );
}

/** Judges drawn pictures: the right scene, the right objects. */
export function textToImage(drawn: Drawn, items: Record<Split, Items>, judge: PictureJudge): Figure[] {
  const verdictsOf = (split: Split) =>
    drawn[split].map((picture, i) => judge.judge(picture, items[split].scenes[i] as Scene, i));
  return figuresOf({ seen: verdictsOf('seen'), heldOut: verdictsOf('heldOut') }, [
    { name: 'text to image', floor: 0.75, good: verdict => verdict.right },
    { name: 'text to image, right object', floor: 0.95, good: verdict => verdict.rightObject },
  ]);
}

/** How near the drawn pictures are to the true renders of their scenes. */
export function drawingPsnr(drawn: Drawn, items: Record<Split, Items>): Figure {
  const measured = (split: Split, own: readonly number[]): Measured => ({
    value: medianPsnr(
      own.map(i => drawn[split][i] as Uint8Array),
      own.map(i => items[split].pictures[i] as Uint8Array),
    ),
    count: own.length,
  });
  const all = (split: Split) => drawn[split].map((_, i) => i);
  return {
    name: 'text to image, PSNR to the true render, median',
    unit: 'dB',
    seen: measured('seen', all('seen')),
    heldOut: measured('heldOut', all('heldOut')),
    byKind: byKind(
      all('heldOut'),
      i => items.heldOut.scenes[i] as Scene,
      own => measured('heldOut', own),
    ),
  };
}

async function captionVerdicts(
  run: Run,
  measure: 'image-to-text' | 'round-trip',
  items: Record<Split, Items>,
  pictures: Drawn,
): Promise<Record<Split, Verdict[]>> {
  return bySplit(async split => {
    const captions = await inBatches(run, measure, split, run.count, (start, end, settings) =>
      run.model.imageToText(pictures[split].slice(start, end), settings),
    );
    return captions.map((caption, i) => judgeCaption(caption, items[split].scenes[i] as Scene));
  });
}

/** Captions of true renders: the right scene, the right objects. */
export async function imageToText(run: Run, items: Record<Split, Items>): Promise<Figure[]> {
  const pictures = { seen: items.seen.pictures, heldOut: items.heldOut.pictures };
  return figuresOf(await captionVerdicts(run, 'image-to-text', items, pictures), [
    { name: 'image to text', floor: 0.85, good: verdict => verdict.right },
    { name: 'image to text, right object', floor: 0.95, good: verdict => verdict.rightObject },
  ]);
}

/** Captions of the pictures drawn from captions: the scene of the first caption comes back. */
export async function roundTrip(run: Run, items: Record<Split, Items>, drawn: Drawn): Promise<Figure[]> {
  const verdicts = await captionVerdicts(run, 'round-trip', items, drawn);
  return figuresOf(verdicts, [{ name: 'round trip', floor: 0.65, good: verdict => verdict.right }]);
}

/** Free joint samples. */
export function drawSamples(run: Run): Promise<JointSample[]> {
  return inBatches(run, 'joint', 'all', run.count, (start, end, settings) => run.model.joint(end - start, settings));
}

/** How often the picture of a joint sample is the one that its caption says. */
export function joint(samples: readonly JointSample[], judge: PictureJudge): Figure {
  const agreeing = samples.filter((sample, i) => agrees(sample, judge, i)).length;
  return {
    name: "joint, the picture is its caption's",
    unit: '%',
    overall: rate(agreeing, samples.length),
    floor: 0.75,
  };
}

/** The median distance of held-out renders to the nearest render of another scene. */
function marginalThreshold(scenes: readonly Scene[], sprites: SpriteSheet, index: SceneIndex): number {
  return median(scenes.map(scene => index.nearest(render(scene, sprites), scene).distance));
}

/** Image-only samples near a true render, and text-only samples that parse. */
export async function marginals(run: Run, heldOut: Items, index: SceneIndex): Promise<Figure[]> {
  const limit = marginalThreshold(heldOut.scenes, run.options.sprites, index);
  const pictures = await inBatches(run, 'marginals', 'all', run.count, (start, end, settings) =>
    run.model.image(end - start, settings),
  );
  const texts = await inBatches(run, 'marginals', 'all', run.count, (start, end, settings) =>
    run.model.text(end - start, settings),
  );
  const near = pictures.filter(picture => index.nearest(picture).distance <= limit).length;
  const parsed = texts.filter(text => parse(text) !== undefined).length;
  return [
    { name: 'image alone, near a true render', unit: '%', overall: rate(near, run.count), floor: 0.8 },
    { name: 'text alone, parses', unit: '%', overall: rate(parsed, run.count), floor: 0.9 },
  ];
}

/** What the joint samples cover, as counts. */
export function diversityFigures(run: Run, samples: readonly JointSample[], index: SceneIndex): Figure[] {
  const found = diversity(samples, run.options.sprites, index, isHeldOut);
  const count = samples.length;
  return [
    { name: 'joint, different captioned scenes', unit: 'scenes', overall: { value: found.captionScenes, count } },
    { name: 'joint, different pictured scenes', unit: 'scenes', overall: { value: found.pictureScenes, count } },
    { name: 'joint, captions of held-out scenes', unit: 'captions', overall: { value: found.novelCaptions, count } },
    { name: 'joint, near-copies of training renders', unit: 'pictures', overall: { value: found.nearCopies, count } },
  ];
}

/** R@1 and R@5 both ways among pairs of different scenes. */
export async function retrieval(run: Run): Promise<Figure[]> {
  const count = run.options.retrievalCount ?? run.count * 2;
  const ranks = await bySplit(async split => {
    const { captions, pictures } = itemsOf(run, split, count, 4);
    const texts = await inBatches(run, 'retrieval', split, count, (start, end) =>
      run.model.embedText(captions.slice(start, end)),
    );
    const images = await inBatches(run, 'retrieval', split, count, (start, end) =>
      run.model.embedImage(pictures.slice(start, end)),
    );
    return { 'text to image': partnerRanks(texts, images), 'image to text': partnerRanks(images, texts) };
  });
  const ways = ['text to image', 'image to text'] as const;
  return ways.flatMap(way =>
    ([1, 5] as const).map((k): Figure => {
      const measured = (split: Split) => rate(recalled(ranks[split][way], k), count);
      const floor = k === 1 ? 0.9 : 0.99;
      return {
        name: `retrieval, ${way}, R@${k}`,
        unit: '%',
        seen: measured('seen'),
        heldOut: measured('heldOut'),
        floor,
      };
    }),
  );
}

/** Mean PSNR of reconstructed renders. */
export async function autoencoder(run: Run, items: Record<Split, Items>): Promise<Figure> {
  const values = await bySplit(async split => {
    const { pictures } = items[split];
    const found = await inBatches(run, 'autoencoder', split, run.count, (start, end) =>
      run.model.reconstruct(pictures.slice(start, end)),
    );
    return mean(found.map((picture, i) => psnr(picture, pictures[i] as Uint8Array)));
  });
  return { name: 'autoencoder, PSNR', unit: 'dB', ...values, floor: 28 };
}
