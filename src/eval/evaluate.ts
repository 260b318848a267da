/**
 * Runs a model through all measures, seen and held-out scenes side by side, everything seeded.
 *
 * - text to image, image to text, round trip: scenes of each split, captions of all sentence forms (captions.ts);
 *   the round trip captions the pictures that text to image drew.
 * - joint: each sample's picture against its own caption's render and 999 others; a caption that does not parse fails.
 * - marginals: an image-only sample counts when its distance to the nearest of all true renders (scene-index.ts) is at
 *   most the median distance of held-out renders to their nearest *other* render; a text-only sample when it parses.
 * - retrieval among pairs of different scenes; autoencoder: mean PSNR over renders.
 */

import { deriveSeed, seededRandom } from '../core/random.ts';
import { captionOf } from '../scenes/captions.ts';
import { isHeldOut } from '../scenes/held-out.ts';
import { parse } from '../scenes/parse.ts';
import { render } from '../scenes/render.ts';
import { sampleScenes } from '../scenes/sample-scene.ts';
import type { Scene } from '../scenes/scene.ts';
import type { SpriteSheet } from '../scenes/sprites.ts';
import { agrees, diversity, judgeCaption, type PictureJudge, pictureJudge, type Verdict } from './judge.ts';
import type { EvalModel, JointSample, SampleSettings } from './model.ts';
import { type Figure, type Measured, mean, rate } from './report.ts';
import { partnerRanks, recalled } from './retrieval.ts';
import { type SceneFeatures, sceneFeatures } from './scene-features.ts';
import { indexScenes, type SceneIndex } from './scene-index.ts';
import { median, psnr } from './statistics.ts';

export const measureNames = [
  'text-to-image',
  'image-to-text',
  'round-trip',
  'joint',
  'marginals',
  'diversity',
  'retrieval',
  'autoencoder',
] as const;
export type MeasureName = (typeof measureNames)[number];

export interface EvaluateOptions {
  readonly sprites: SpriteSheet;
  /** Blurred renders to go on with, from an earlier evaluation with the same sprites. */
  readonly known?: SceneFeatures;
  /** Seeds scenes, captions, distractors and samples. Default 20_000. */
  readonly seed?: number;
  /** Items of each measure and split. Default 500; fewer widen the intervals. */
  readonly count?: number;
  /** Pairs of retrieval. Default twice `count`. */
  readonly retrievalCount?: number;
  /** Default: all. Round trip runs text to image too, diversity the joint samples. */
  readonly measures?: readonly MeasureName[];
  readonly steps?: number;
  /** Guidance by measure (the round trip's is that of its captions); the model's own defaults when left out. */
  readonly guidance?: Partial<Record<MeasureName, number>>;
  /** How many items go to the model in one call. Default 50. */
  readonly batch?: number;
  readonly signal?: AbortSignal;
  readonly onProgress?: (event: { measure: MeasureName; split: Split | 'all'; done: number; total: number }) => void;
}

export type Split = 'seen' | 'heldOut';
const splits: readonly Split[] = ['seen', 'heldOut'];

/** Scenes of one split with a caption and the true picture each. */
interface Items {
  readonly scenes: readonly Scene[];
  readonly captions: readonly string[];
  readonly pictures: readonly Uint8Array[];
}

interface Run {
  readonly model: EvalModel;
  readonly options: EvaluateOptions;
  readonly seed: number;
  readonly count: number;
}

function itemsOf(run: Run, split: Split, count: number, salt: number): Items {
  const random = seededRandom(deriveSeed(run.seed, salt + (split === 'seen' ? 0 : 1)));
  const scenes = sampleScenes(count, random, { heldOut: split === 'heldOut' });
  const captions = scenes.map(scene => captionOf(scene, random));
  return { scenes, captions, pictures: scenes.map(scene => render(scene, run.options.sprites)) };
}

/** Calls `work` for slices of [0, total): the seed of item i is the run's seed + i, whatever the batch. */
async function inBatches<T>(
  run: Run,
  measure: MeasureName,
  split: Split | 'all',
  total: number,
  work: (start: number, end: number, settings: SampleSettings) => Promise<readonly T[]>,
): Promise<T[]> {
  const { batch = 50, signal, steps, guidance, onProgress } = run.options;
  const found: T[] = [];
  while (found.length < total) {
    signal?.throwIfAborted();
    const end = Math.min(total, found.length + batch);
    const scale = guidance?.[measure];
    const settings = {
      seed: run.seed + found.length,
      ...(steps === undefined ? {} : { steps }),
      ...(scale === undefined ? {} : { guidance: scale }),
      ...(signal === undefined ? {} : { signal }),
    };
    const results = await work(found.length, end, settings);
    if (results.length !== end - found.length) {
      throw new RangeError(`The model gave ${results.length} results for ${end - found.length} items of ${measure}`);
    }
    found.push(...results);
    onProgress?.({ measure, split, done: found.length, total });
  }
  return found;
}

function byKind(verdicts: readonly Verdict[], good: (verdict: Verdict) => boolean): NonNullable<Figure['byKind']> {
  const kinds = [...new Set(verdicts.map(verdict => verdict.truth.kind))];
  return Object.fromEntries(
    kinds.map(kind => {
      const own = verdicts.filter(verdict => verdict.truth.kind === kind);
      return [kind, rate(own.filter(good).length, own.length)];
    }),
  );
}

interface RateLine {
  readonly name: string;
  readonly floor?: number;
  readonly good: (verdict: Verdict) => boolean;
}

/** One figure per line, from the verdicts of both splits. */
function figuresOf(verdicts: Record<Split, readonly Verdict[]>, lines: readonly RateLine[]): Figure[] {
  const measured = (split: Split, good: RateLine['good']): Measured =>
    rate(verdicts[split].filter(good).length, verdicts[split].length);
  return lines.map(({ name, floor, good }) => ({
    name,
    unit: '%',
    seen: measured('seen', good),
    heldOut: measured('heldOut', good),
    byKind: byKind(verdicts.heldOut, good),
    ...(floor === undefined ? {} : { floor }),
  }));
}

async function bySplit<T>(work: (split: Split) => Promise<T>): Promise<Record<Split, T>> {
  return { seen: await work('seen'), heldOut: await work('heldOut') };
}

type Drawn = Record<Split, readonly Uint8Array[]>;

function drawPictures(run: Run, items: Record<Split, Items>): Promise<Drawn> {
  return bySplit(split =>
    inBatches(run, 'text-to-image', split, run.count, (start, end, settings) =>
      run.model.textToImage(items[split].captions.slice(start, end), settings),
    ),
  );
}

function textToImage(drawn: Drawn, items: Record<Split, Items>, judge: PictureJudge): Figure[] {
  const verdictsOf = (split: Split) =>
    drawn[split].map((picture, i) => judge.judge(picture, items[split].scenes[i] as Scene, i));
  return figuresOf({ seen: verdictsOf('seen'), heldOut: verdictsOf('heldOut') }, [
    { name: 'text to image', floor: 0.75, good: verdict => verdict.right },
    { name: 'text to image, right object', floor: 0.95, good: verdict => verdict.rightObject },
  ]);
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

/** The median distance of held-out renders to the nearest render of another scene. */
export function marginalThreshold(scenes: readonly Scene[], sprites: SpriteSheet, index: SceneIndex): number {
  return median(scenes.map(scene => index.nearest(render(scene, sprites), scene).distance));
}

async function marginals(run: Run, heldOut: Items, index: SceneIndex): Promise<Figure[]> {
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

function diversityFigures(run: Run, samples: readonly JointSample[], index: SceneIndex): Figure[] {
  const found = diversity(samples, run.options.sprites, index, isHeldOut);
  const count = samples.length;
  return [
    { name: 'joint, different captioned scenes', unit: 'scenes', overall: { value: found.captionScenes, count } },
    { name: 'joint, different pictured scenes', unit: 'scenes', overall: { value: found.pictureScenes, count } },
    { name: 'joint, captions of held-out scenes', unit: 'captions', overall: { value: found.novelCaptions, count } },
    { name: 'joint, near-copies of training renders', unit: 'pictures', overall: { value: found.nearCopies, count } },
  ];
}

async function retrieval(run: Run): Promise<Figure[]> {
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

async function autoencoder(run: Run, items: Record<Split, Items>): Promise<Figure> {
  const values = await bySplit(async split => {
    const { pictures } = items[split];
    const found = await inBatches(run, 'autoencoder', split, run.count, (start, end) =>
      run.model.reconstruct(pictures.slice(start, end)),
    );
    return mean(found.map((picture, i) => psnr(picture, pictures[i] as Uint8Array)));
  });
  return { name: 'autoencoder, PSNR', unit: 'dB', ...values, floor: 28 };
}

/** Runs the measures and returns their figures in the order of the table. */
export async function evaluate(model: EvalModel, options: EvaluateOptions): Promise<Figure[]> {
  const { sprites, seed = 20_000, count = 500, measures = measureNames } = options;
  const run: Run = { model, options, seed, count };
  const wanted = (...names: MeasureName[]) => names.some(name => measures.includes(name));
  const items = Object.fromEntries(splits.map(split => [split, itemsOf(run, split, count, 0)])) as Record<Split, Items>;
  const known = options.known ?? sceneFeatures(sprites);
  const judge = pictureJudge(known, deriveSeed(seed, 2));
  const index = indexScenes(known);
  const figures: Figure[] = [];

  const drawn = wanted('text-to-image', 'round-trip') ? await drawPictures(run, items) : undefined;
  if (drawn !== undefined && wanted('text-to-image')) figures.push(...textToImage(drawn, items, judge));
  if (wanted('image-to-text')) {
    const pictures = { seen: items.seen.pictures, heldOut: items.heldOut.pictures };
    const verdicts = await captionVerdicts(run, 'image-to-text', items, pictures);
    figures.push(
      ...figuresOf(verdicts, [
        { name: 'image to text', floor: 0.85, good: verdict => verdict.right },
        { name: 'image to text, right object', floor: 0.95, good: verdict => verdict.rightObject },
      ]),
    );
  }
  const samples = wanted('joint', 'diversity')
    ? await inBatches(run, 'joint', 'all', count, (start, end, settings) => model.joint(end - start, settings))
    : undefined;
  if (samples !== undefined && wanted('joint')) {
    const agreeing = samples.filter((sample, i) => agrees(sample, judge, i)).length;
    figures.push({ name: 'joint, picture is its caption’s', unit: '%', overall: rate(agreeing, count), floor: 0.75 });
  }
  if (wanted('marginals')) figures.push(...(await marginals(run, items.heldOut, index)));
  if (drawn !== undefined && wanted('round-trip')) {
    const verdicts = await captionVerdicts(run, 'round-trip', items, drawn);
    figures.push(...figuresOf(verdicts, [{ name: 'round trip', floor: 0.65, good: verdict => verdict.right }]));
  }
  if (samples !== undefined && wanted('diversity')) figures.push(...diversityFigures(run, samples, index));
  if (wanted('retrieval')) figures.push(...(await retrieval(run)));
  if (wanted('autoencoder')) figures.push(await autoencoder(run, items));
  return figures;
}
