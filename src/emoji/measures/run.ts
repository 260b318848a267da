/**
 * What every measure runs on: options, the seeded scenes of both splits, and calls of the model in batches whose items
 * keep their seeds whatever the batch.
 */

import { deriveSeed, seededRandom } from '../../core/random.ts';
import type { EvalModel, SampleSettings } from '../../eval/model.ts';
import type { SceneFeatures } from '../judge/scene-features.ts';
import { captionOf } from '../scenes/captions.ts';
import { render } from '../scenes/render.ts';
import { sampleScenes } from '../scenes/sample-scene.ts';
import type { Scene } from '../scenes/scene.ts';
import type { SpriteSheet } from '../scenes/sprites.ts';

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

/** Scenes that training may have shown, and scenes that it never has. */
export type Split = 'seen' | 'heldOut';

/** Scenes of one split with a caption and the true picture each. */
export interface Items {
  readonly scenes: readonly Scene[];
  readonly captions: readonly string[];
  readonly pictures: readonly Uint8Array[];
}

/** One evaluation under way. */
export interface Run {
  readonly model: EvalModel;
  readonly options: EvaluateOptions;
  readonly seed: number;
  readonly count: number;
}

/** `count` different scenes of a split, with captions of all sentence forms; `salt` gives other scenes. */
export function itemsOf(run: Run, split: Split, count: number, salt: number): Items {
  const random = seededRandom(deriveSeed(run.seed, salt + (split === 'seen' ? 0 : 1)));
  const scenes = sampleScenes(count, random, { heldOut: split === 'heldOut' });
  const captions = scenes.map(scene => captionOf(scene, random));
  return { scenes, captions, pictures: scenes.map(scene => render(scene, run.options.sprites)) };
}

/** Calls `work` for slices of [0, total): the seed of item i is the run's seed + i, whatever the batch. */
export async function inBatches<T>(
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

/** Does the same for both splits, one after the other. */
export async function bySplit<T>(work: (split: Split) => Promise<T>): Promise<Record<Split, T>> {
  return { seen: await work('seen'), heldOut: await work('heldOut') };
}
